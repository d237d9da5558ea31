// Answers another process's questions.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import System

/// The answering end of a `CallChannel`, for a thread of its own, such as one of `EventLoop.beside`. Any
/// thread may call `stop`.
package final class CallServer: Sendable {
    private let descriptor: Descriptor
    private let limit: Int

    /// Takes over one end of a channel, which is closed with the last reference.
    ///
    /// - Parameter limit: the maximum length of a question in bytes.
    package init(owning descriptor: consuming Descriptor, limit: Int) {
        self.descriptor = descriptor
        self.limit = limit
    }

    /// Answers one question after another until the other end is closed, `stop` is called, or there is no
    /// answer; the other end then sees the channel close. If the other process doesn't read an answer, this
    /// waits with it: that holds up the channel and nothing else.
    ///
    /// - Parameter answer: receives the bytes of a question, never empty, also of those that come together; returns
    ///   nil if it must not be answered.
    /// - Throws: `endedEarly` for an end within a question; `malformed`, `tooLarge`; `descriptors` if any
    ///   came, which are closed; `system`.
    package func serve(_ answer: ([UInt8]) -> PacketWriter?) throws(PacketError) {
        defer { stop() }
        var room = [UInt8](repeating: 0, count: Piece.maxBytes)
        var assembly = MessageAssembly(limit: limit)
        while let count = try receiveCall(from: descriptor.number, into: &room), count > 0 {
            guard
                let question = try assembly.add(
                    room.span.extracting(0..<count), hasDescriptors: false)
            else { continue }
            guard let packet = try answers(to: question, answer) else { return }
            switch Outgoing(packet).send(to: descriptor.number, waits: true) {
            case 0: continue
            case EPIPE, ECONNRESET: return
            case let failure:
                throw PacketError("cannot answer the other process", errno: failure)
            }
        }
        guard !assembly.isPartial else { throw .endedEarly }
    }

    /// - Returns: the answer, or those to the questions of a bundle in one; nil if one of them must not be answered.
    /// - Throws: `malformed`.
    private func answers(
        to question: [UInt8], _ answer: ([UInt8]) -> PacketWriter?
    ) throws(PacketError) -> PacketWriter? {
        guard var questions = try OpenedBundle(question, longest: limit) else {
            return answer(question)
        }
        var answers = Bundle(longest: .max)
        while let one = try questions.next() {
            guard answers.count < CallLimit.together else {
                throw .malformed("more than \(CallLimit.together) questions came at once")
            }
            guard let packet = answer(one) else { return nil }
            answers.add(packet)
        }
        return answers.take()
    }

    /// Closes the channel and ends `serve`, whatever it is waiting for. A call of `answer` that is under
    /// way is not interrupted.
    package func stop() { shutdown(descriptor.number, Int32(SHUT_RDWR)) }
}
