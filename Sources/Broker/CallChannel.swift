// Questions to another process, each of which is waited for.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import Sockets
package import System

/// The asking end of a channel: one question at a time, which holds its thread up until the answer
/// is there. For one thread.
///
/// The answering end is a `CallServer`. Both ends come from a `PacketPair`.
package final class CallChannel {
    private let descriptor: Descriptor
    private let time: Duration
    private var room = [UInt8](repeating: 0, count: Piece.mostBytes)
    /// Why nothing can be asked any more. An answer that comes too late would be taken for the next one.
    private var failure: PacketError?

    /// Takes over an end of a channel. It sets the socket's time, which a process that has closed its system calls
    /// (`Confinement`) may not do: to be made before that.
    ///
    /// - Parameter time: how long a question and its answer may take; above zero.
    /// - Throws: `system`.
    package init(owning descriptor: consuming Descriptor, time: Duration) throws(StreamError) {
        self.descriptor = descriptor
        self.time = time
        let parts = time.components
        var limit = timeval(
            tv_sec: Int(parts.seconds), tv_usec: Int(parts.attoseconds / 1_000_000_000_000))
        let length = socklen_t(MemoryLayout<timeval>.size)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            guard unsafe setsockopt(self.descriptor.number, SOL_SOCKET, option, &limit, length) == 0
            else { throw StreamError("cannot limit a channel's time", errno: errno) }
        }
    }

    /// Asks, and waits for the answer.
    ///
    /// - Parameter limit: the answer's bytes.
    /// - Throws: `timedOut`; `endedEarly` where the other process has ended the channel; `malformed`, `tooLarge`;
    ///   `descriptors` where any came, which are closed; `system`. Nothing can be asked after that, and the
    ///   other end sees the channel's end.
    package func call(_ packet: PacketWriter, limit: Int) throws(PacketError) -> [UInt8] {
        if let failure { throw failure }
        do throws(PacketError) {
            let end = Moment.now + time
            try check(Outgoing(packet).send(to: descriptor.number, waits: true))
            var assembly = MessageAssembly(limit: limit)
            while true {
                // Each packet has the socket's whole time.
                guard Moment.now < end else { throw timeOut }
                guard let count = try receiveCall(from: descriptor.number, into: &room) else {
                    throw timeOut
                }
                guard count > 0 else { throw .endedEarly }
                let room = room
                if let answer = try assembly.add(
                    room.span.extracting(0..<count), hasDescriptors: false)
                {
                    return answer
                }
            }
        } catch {
            failure = error
            shutdown(descriptor.number, Int32(SHUT_RDWR))
            throw error
        }
    }

    private func check(_ failure: Int32) throws(PacketError) {
        switch failure {
        case 0: return
        case EAGAIN: throw timeOut
        case EPIPE, ECONNRESET: throw .endedEarly
        default: throw PacketError("cannot send to the other process", errno: failure)
        }
    }

    private var timeOut: PacketError {
        PacketError(.timedOut, "the other process did not answer within \(time.words)")
    }
}

/// Waits for a packet of a channel on which no descriptors go.
///
/// - Returns: as `receivePacket`.
/// - Throws: as `receivePacket`; `descriptors` where any came, which are closed.
func receiveCall(from socket: Int32, into room: inout [UInt8]) throws(PacketError) -> Int? {
    var descriptors = Descriptors()
    let count = try receivePacket(from: socket, into: &room, &descriptors, waits: true)
    guard descriptors.isEmpty else {
        throw PacketError(
            .descriptors, "the other process sent descriptors where none are due")
    }
    return count
}
