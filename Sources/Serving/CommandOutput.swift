// What a running command sends to its client: frames of output, and a few others.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Glibc
internal import Remote
internal import Sockets
internal import System

/// The one writer of a session while a program runs. Output goes from the pipes into a buffer of the loop's,
/// with gaps for the frames' headers, and from there into records; only its client can hold it up.
final class CommandOutput<Stream: ByteStream> {
    /// Bytes of output that were taken from the program within its limit.
    private(set) var count = 0
    /// How many of them were error output.
    private(set) var errorCount = 0
    /// The program wrote more than its limit; the excess is discarded.
    private(set) var isOverLimit = false
    /// A frame was begun that the client did not read completely.
    private(set) var isCut = false

    private let stream: Stream
    private let limit: Int
    /// Frames that are sent before the next output.
    private var control: [UInt8] = []
    /// Which of the two outputs is read first.
    private var first = FrameType.errorOutput
    private var hasNobody = false
    private var patience: Timer?

    private var channel: Channel { stream.channel }

    init(_ stream: Stream, limit: Int) {
        self.stream = stream
        self.limit = limit
    }

    /// What the program writes from here on reaches nobody.
    var isMuted: Bool { hasNobody || isOverLimit }

    /// Nobody is left who would read it.
    func giveUp() {
        hasNobody = true
        // A task that waits to write has nobody to write to.
        channel.wake(.write)
    }

    // MARK: Frames other than output

    /// If something else is about to be sent, that shows it as well.
    func addPing() {
        if control.isEmpty, !isCut { control.append(.ping) }
    }

    func add(inputWanted count: Int) { control.append(inputWanted: count) }

    /// Left out if more than 4 KiB is waiting: one pong answers all pings that came before it.
    func addPong() {
        if control.count < Self.maxControl { control.append(.pong) }
    }

    // MARK: Gathering

    /// Collects frames while there is room and something to say.
    ///
    /// - Returns: the number of bytes that were read, including those that nobody gets.
    func gather(_ program: RemoteProgram, into output: inout OutputSpan<UInt8>) -> Int {
        control.move(into: &output)
        // It may have written something before it is known to be running, and its input must be wanted
        // first.
        if case .starting = program.course, program.input != nil { return 0 }
        var total = 0
        while total < Self.turn {
            var step = read(first, of: program, into: &output)
            step += read(second, of: program, into: &output)
            if step == 0 { break }
            total += step
        }
        // One that leaves the other no room is the second next time.
        first = hasRoom(output) ? .errorOutput : second
        return total
    }

    private var second: FrameType { first == .output ? .errorOutput : .output }

    private func hasRoom(_ output: borrowing OutputSpan<UInt8>) -> Bool {
        output.freeCapacity > Frame.headerLength + Self.leastChunk
    }

    /// Whether nothing more can be expected of a program that has ended.
    func isQuiet(_ program: RemoteProgram) -> Bool {
        control.isEmpty && (isMuted || program.output.hasEnded && program.errorOutput.hasEnded)
    }

    private func read(
        _ type: FrameType, of program: RemoteProgram, into output: inout OutputSpan<UInt8>
    ) -> Int {
        let pipe = type == .output ? program.output : program.errorOutput
        guard pipe.isReadable, hasRoom(output) else { return 0 }
        let start = output.count
        let count = pipe.read(
            into: &output, cutting: Frame.payloadLimit, after: Frame.headerLength)
        var kept = count
        if self.count + count > limit {
            kept = limit - self.count
            isOverLimit = true
        }
        self.count += kept
        if type == .errorOutput { errorCount += kept }
        output.frame(type, from: start, keeping: kept)
        return count
    }

    // MARK: Sending

    /// Sends what was gathered, as far as the client accepts it at once.
    ///
    /// - Returns: a copy of what is left to send, possibly none, behind what the stream has taken; nil if all was sent.
    func attempt(_ buffer: TransferBuffer, _ filled: Int) throws(StreamError) -> [UInt8]? {
        guard !hasNobody else { return nil }
        return try buffer.read(0..<filled) { (bytes) throws(StreamError) in
            var sent = 0
            while sent < bytes.count {
                guard
                    case .moved(let count) = try stream.attemptWriteMany(
                        bytes.extracting(droppingFirst: sent))
                else { break }
                sent += count
            }
            if sent == bytes.count, try stream.attemptFlush() { return nil }
            return Array(bytes.extracting(droppingFirst: sent))
        }
    }

    func send(_ bytes: [UInt8]) async throws(StreamError) {
        var sent = 0
        isCut = true
        defer { patience = nil }
        while true {
            if hasNobody { return }
            try channel.check()
            var blocked = Channel.Direction.write
            if sent < bytes.count {
                switch try stream.attemptWriteMany(bytes.span.extracting(droppingFirst: sent)) {
                case .moved(let count):
                    sent += count
                    patience = nil
                    continue
                case .blocked(let direction): blocked = direction
                case .ended: throw StreamError(.reset, "the client closed the connection")
                }
            } else if try stream.attemptFlush() {
                break
            }
            if patience == nil { patience = waitForReader() }
            try await channel.wait(for: blocked)
        }
        isCut = false
    }

    /// A client that reads nothing is waited for as long as it shows that it is there.
    private func waitForReader() -> Timer { wait(channel.deadlines.idle) }

    private func wait(_ span: Duration) -> Timer {
        Timer(after: span, on: channel.loop) { [unowned self] in
            let left = channel.deadlines.idle - channel.silence
            if left > .zero {
                patience = wait(left)
                return
            }
            channel.fail(
                StreamError(
                    .idleTimedOut,
                    "the client neither read nor sent anything within the idle timeout"))
        }
    }

    /// Whether the program can't continue because the client does not read: what is on its way is
    /// waiting, and a pipe is as full as small writes can make it.
    func isHeldUp(_ program: RemoteProgram) -> Bool {
        isCut && (program.output.isFull || program.errorOutput.isFull)
    }

    /// Bytes per turn of the loop: as many as a buffer's records hold.
    static var turn: Int { TransferBuffer.records * Frame.payloadLimit }
    /// Into less, nothing is read: a pipe that keeps what was written in packets would discard the rest of one (pipe(2)).
    private static var leastChunk: Int { Int(PIPE_BUF) }
    /// How many bytes of frames other than output may wait.
    private static var maxControl: Int { 4_096 }
}
