// Questions to another process, each of which blocks until it is answered.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import Sockets
package import System

/// The asking end of a channel: one question at a time, or several in one message, which block its thread until the
/// answers are there. For a single thread.
///
/// The answering end is a `CallServer`. Both ends come from a `PacketPair`.
package final class CallChannel {
    private let descriptor: Descriptor
    private let time: Duration
    /// The longest single wait: the socket's timeout.
    private let slice: Duration
    private let clock: () -> Moment
    private var room = [UInt8](repeating: 0, count: Piece.maxBytes)
    /// Why nothing more can be asked. An answer that comes too late would be taken for the next one.
    private var failure: PacketError?

    /// Takes over one end of a channel. It sets the socket's timeout, which a process that has restricted its
    /// system calls (`Confinement`) may not do: create it before that.
    ///
    /// - Parameter time: how long a question and its answer may take while this process is running; above
    ///   zero.
    /// - Throws: `system`.
    package convenience init(
        owning descriptor: consuming Descriptor, time: Duration
    ) throws(StreamError) {
        try self.init(owning: descriptor, time: time, clock: { .now })
    }

    init(
        owning descriptor: consuming Descriptor, time: Duration, clock: @escaping () -> Moment
    ) throws(StreamError) {
        self.descriptor = descriptor
        self.time = time
        self.clock = clock
        slice = max(time / Self.slices, .milliseconds(1))
        let parts = slice.components
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
    /// - Parameter limit: the maximum length of the answer in bytes.
    /// - Throws: `timedOut`; `endedEarly` if the other process has closed the channel; `malformed`, `tooLarge`;
    ///   `descriptors` if any came, which are closed; `system`. Nothing can be asked after that, and the other
    ///   end sees the channel close.
    package func call(_ packet: PacketWriter, limit: Int) throws(PacketError) -> [UInt8] {
        try attempt { () throws(PacketError) in try exchange(packet, limit: limit) }
    }

    /// Asks several questions in one message, which wakes the other process once, and waits for all answers.
    ///
    /// - Parameters:
    ///   - packets: one to `CallLimit.together`, with as many bytes as a question may have.
    ///   - limit: the maximum length of an answer in bytes.
    /// - Returns: the answers in the order of the questions.
    /// - Throws: as for one question; nothing is known of any of them then.
    package func call(_ packets: [PacketWriter], limit: Int) throws(PacketError) -> [[UInt8]] {
        var questions = Bundle(longest: .max)
        for packet in packets { questions.add(packet) }
        guard let all = questions.take() else { return [] }
        guard packets.count > 1 else { return [try call(all, limit: limit)] }
        return try attempt { () throws(PacketError) in
            let message = try exchange(all, limit: 1 + packets.count * (4 + limit))
            var answers: [[UInt8]] = []
            var opened = try OpenedBundle(message, longest: limit)
            while let answer = try opened?.next() { answers.append(answer) }
            guard answers.count == packets.count else {
                throw .malformed("\(packets.count) questions have \(answers.count) answers")
            }
            return answers
        }
    }

    private func attempt<R>(_ body: () throws(PacketError) -> R) throws(PacketError) -> R {
        if let failure { throw failure }
        do throws(PacketError) {
            return try body()
        } catch {
            failure = error
            shutdown(descriptor.number, Int32(SHUT_RDWR))
            throw error
        }
    }

    private func exchange(_ packet: PacketWriter, limit: Int) throws(PacketError) -> [UInt8] {
        var left = time
        let question = Outgoing(packet)
        try wait(&left) { (waits) throws(PacketError) in
            try isSent(question.send(to: descriptor.number, waits: waits)) ? () : nil
        }
        var assembly = MessageAssembly(limit: limit)
        while true {
            let count = try wait(&left) { (waits) throws(PacketError) in
                try receiveCall(from: descriptor.number, into: &room, waits: waits)
            }
            guard count > 0 else { throw .endedEarly }
            let came = room
            if let answer = try assembly.add(
                came.span.extracting(0..<count), hasDescriptors: false)
            {
                return answer
            }
        }
    }

    /// Retries until an attempt succeeds or no time is left. A pause of this process or of the machine, during
    /// which the clock and the socket's timeout keep running, costs one slice: the answering side was paused as
    /// well, and gets the rest. When no time is left, what has arrived is still looked at.
    ///
    /// - Parameter attempt: returns nil if it would have to wait for longer than a slice.
    private func wait<R>(
        _ left: inout Duration, _ attempt: (_ waits: Bool) throws(PacketError) -> R?
    ) throws(PacketError) -> R {
        while true {
            let waits = left > .zero
            let start = clock()
            let result = try attempt(waits)
            left -= result == nil ? slice : min(clock() - start, slice)
            if let result { return result }
            guard waits else { throw timeOut }
        }
    }

    /// The fraction of a call's time: this many pauses have to fall into one call before it fails.
    private static let slices: Int = 16

    private func isSent(_ failure: Int32) throws(PacketError) -> Bool {
        switch failure {
        case 0: return true
        case EAGAIN: return false
        case EPIPE, ECONNRESET: throw .endedEarly
        default: throw PacketError("cannot send to the other process", errno: failure)
        }
    }

    private var timeOut: PacketError {
        PacketError(.timedOut, "the other process did not answer within \(time.words)")
    }
}

/// Receives a packet of a channel that carries no descriptors.
///
/// - Parameter waits: for as long as the socket's timeout allows.
/// - Returns: as `receivePacket` does.
/// - Throws: as `receivePacket` does; `descriptors` if any came, which are closed.
func receiveCall(
    from socket: Int32, into room: inout [UInt8], waits: Bool = true
) throws(PacketError) -> Int? {
    var descriptors = Descriptors()
    let count = try receivePacket(from: socket, into: &room, &descriptors, waits: waits)
    guard descriptors.isEmpty else {
        throw PacketError(
            .descriptors, "the other process sent descriptors where none are expected")
    }
    return count
}
