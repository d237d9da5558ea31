// What a running command says to its client: frames of its output, and a few beside it.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Remote
internal import Sockets
internal import System

/// The one writer of a session while a program runs. Output goes from the pipes behind a frame's header
/// into the loop's room for output and from there into a record; it is held up by its client alone.
final class CommandOutput<Stream: ByteStream> {
    /// Bytes of output that were taken from the program within its limit.
    private(set) var count = 0
    /// Those of them that were error output.
    private(set) var errorCount = 0
    /// The program wrote more than it may; what goes beyond is thrown away.
    private(set) var isOverLimit = false
    /// A frame was begun that the client did not take whole.
    private(set) var isCut = false

    private let stream: Stream
    private let limit: Int
    /// Frames that go out before the next output.
    private var control: [UInt8] = []
    private var hasNobody = false
    private var patience: Timer?

    private var channel: Channel { stream.channel }

    init(_ stream: Stream, limit: Int) {
        self.stream = stream
        self.limit = limit
    }

    /// What the program writes from here on reaches nobody.
    var isMuted: Bool { hasNobody || isOverLimit }

    /// Nobody is there any more who would read it.
    func giveUp() {
        hasNobody = true
        // Whoever waits to write has nobody to write to.
        channel.wake(.write)
    }

    // MARK: Beside the output

    /// Where something else is about to be sent, that shows it as well.
    func addPing() {
        if control.isEmpty, !isCut { control.append(.ping) }
    }

    func add(inputWanted count: Int) { control.append(inputWanted: count) }

    /// Left out beyond 4 KiB of what waits: one pong answers all pings that came before it.
    func addPong() {
        if control.count < Self.mostControl { control.append(.pong) }
    }

    // MARK: Gathering

    /// Collects frames while there is room and something to say.
    ///
    /// - Returns: the bytes that were read, also those that nobody gets.
    func gather(_ program: RemoteProgram, into output: inout OutputSpan<UInt8>) -> Int {
        control.move(into: &output)
        // It may have written something before it is known to run, and its input must be wanted first.
        if case .starting = program.course, program.input != nil { return 0 }
        var total = 0
        while total < Self.turn {
            // In turns, so that neither of two full pipes waits for the other.
            var step = read(program.errorOutput, .errorOutput, into: &output)
            step += read(program.output, .output, into: &output)
            if step == 0 { break }
            total += step
        }
        return total
    }

    /// Whether nothing more is to be expected of a program that has ended.
    func isQuiet(_ program: RemoteProgram) -> Bool {
        control.isEmpty && (isMuted || program.output.hasEnded && program.errorOutput.hasEnded)
    }

    private func read(
        _ pipe: PipeReader, _ type: FrameType, into output: inout OutputSpan<UInt8>
    ) -> Int {
        guard pipe.isReadable, output.freeCapacity > Frame.headerLength + Self.leastChunk
        else { return 0 }
        let start = output.count
        for _ in 0..<Frame.headerLength { output.append(type.rawValue) }
        let count = pipe.read(into: &output)
        var kept = count
        if self.count + count > limit {
            kept = limit - self.count
            isOverLimit = true
        }
        self.count += kept
        if type == .errorOutput { errorCount += kept }
        guard kept > 0 else {
            output.removeLast(output.count - start)
            return count
        }
        output.removeLast(count - kept)
        let header = Frame.header(type, kept)
        var frame = output.mutableSpan
        frame[start + 1] = header.1
        frame[start + 2] = header.2
        frame[start + 3] = header.3
        return count
    }

    // MARK: Sending

    /// Sends what was gathered; what the client does not take at once is kept apart, since others use
    /// the loop's room meanwhile.
    func send(_ filled: Int) async throws(StreamError) {
        guard !hasNobody else { return }
        let rest = try channel.loop.withGathered(filled) { (bytes) throws(StreamError) in
            var sent = 0
            while sent < bytes.count {
                guard
                    case .moved(let count) = try stream.attemptWrite(
                        bytes.extracting(droppingFirst: sent))
                else { break }
                sent += count
            }
            return Array(bytes.extracting(droppingFirst: sent))
        }
        if !rest.isEmpty { try await send(rest) }
    }

    func send(_ bytes: [UInt8]) async throws(StreamError) {
        var sent = 0
        isCut = true
        defer { patience = nil }
        while sent < bytes.count {
            if hasNobody { return }
            try channel.check()
            switch try stream.attemptWrite(bytes.span.extracting(droppingFirst: sent)) {
            case .moved(let count):
                sent += count
                patience = nil
            case .blocked(let direction):
                if patience == nil { patience = waitForReader() }
                try await channel.wait(for: direction)
            case .ended: throw StreamError(.reset, "the client closed the connection")
            }
        }
        isCut = false
    }

    /// A client that reads nothing is waited for as long as it says that it is there.
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

    /// Whether the program can't go on because the client does not read: what is on its way waits,
    /// and a pipe is as full as small writes let it become.
    func isHeldUp(_ program: RemoteProgram) -> Bool {
        isCut && (program.output.isFull || program.errorOutput.isFull)
    }

    /// Bytes a turn of the loop, as a socket's.
    static var turn: Int { 65_536 }
    /// A smaller rest of the output's room is not worth a read.
    private static var leastChunk: Int { 512 }
    /// Frames beside the output that may wait, in bytes.
    private static var mostControl: Int { 4_096 }
}
