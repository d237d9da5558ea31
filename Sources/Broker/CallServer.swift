// Answers the questions of another process.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import System

/// The answering end of a `CallChannel`, for a thread of its own, such as one of `EventLoop.beside`. Any
/// thread may call `stop`.
package final class CallServer: Sendable {
    private let descriptor: Descriptor
    private let limit: Int

    /// Takes over an end of a channel, which is closed with the last reference.
    ///
    /// - Parameter limit: the bytes of a question.
    package init(owning descriptor: consuming Descriptor, limit: Int) {
        self.descriptor = descriptor
        self.limit = limit
    }

    /// Answers one question after the other, until the other end is closed, `stop` is called, or there is no
    /// answer; the other end sees the channel's end then. Where the other process doesn't take an answer, this
    /// waits with it: that holds up the channel, and nobody else.
    ///
    /// - Parameter answer: is given a question's bytes, never none; nil where it must not be answered.
    /// - Throws: `endedEarly` for an end within a question; `malformed`, `tooLarge`; `descriptors` where any
    ///   came, which are closed; `system`.
    package func serve(_ answer: ([UInt8]) -> PacketWriter?) throws(PacketError) {
        defer { stop() }
        var room = [UInt8](repeating: 0, count: Piece.mostBytes)
        var assembly = MessageAssembly(limit: limit)
        while let count = try receiveCall(from: descriptor.number, into: &room), count > 0 {
            guard
                let question = try assembly.add(
                    room.span.extracting(0..<count), hasDescriptors: false)
            else { continue }
            guard let packet = answer(question) else { return }
            switch Outgoing(packet).send(to: descriptor.number, waits: true) {
            case 0: continue
            case EPIPE, ECONNRESET: return
            case let failure:
                throw PacketError("cannot answer the other process", errno: failure)
            }
        }
        guard !assembly.isPartial else { throw .endedEarly }
    }

    /// Ends the channel, and `serve`, whatever it waits for. A call of `answer` that is under way is not
    /// broken off.
    package func stop() { shutdown(descriptor.number, Int32(SHUT_RDWR)) }
}
