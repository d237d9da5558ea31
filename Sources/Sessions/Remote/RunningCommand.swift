// A program that runs for a remote session: its bytes both ways, and what ends it.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Programs
internal import Sockets

/// One program from its start to its end. Nothing of it is left when `run` returns.
final class RunningCommand<Stream: ByteStream>: @unchecked Sendable {
    /// What the session goes on with behind it.
    private(set) var frames: FrameReader
    private(set) var ledger: InputLedger
    /// Frames of runs that came meanwhile, and of how many of these runs a cancel came after.
    private(set) var ahead: [UInt8] = []
    private(set) var waitingCancelled = 0
    private(set) var usage = Usage()
    /// Why the session can't go on.
    private(set) var failure: StreamError?
    private(set) var clientHasEnded = false

    /// A frame was begun that the client did not take whole.
    private(set) var isCut = false

    private let stream: Stream
    private let grace: Double
    private let vacate: () -> Void
    private let bell = Bell()
    private var program: Program?
    private var outputLimit = 0
    private var waitingRuns = 0
    /// Frames that go out before the next output.
    private var control: [UInt8] = []
    private var inputHasEnded = false
    private var inputReplaced = 0
    private var isOver = false
    private var isEnding = false
    /// Not even SIGKILL has ended it.
    private var isLost = false
    /// Why the server ended it.
    private var verdict: Outcome?
    private var timers: [Timer] = []
    private var pinger: Timer?
    private var hasVacated = false

    private var channel: Channel { stream.channel }
    private var loop: EventLoop { channel.loop }
    /// Nobody is there any more who would read the output.
    private var isGone: Bool { failure != nil || clientHasEnded }

    /// - Parameter vacate: called once, when the program runs no more.
    init(
        _ stream: Stream, grace: Double, frames: FrameReader, ledger: InputLedger,
        vacate: @escaping () -> Void
    ) {
        self.stream = stream
        self.grace = grace
        self.vacate = vacate
        self.frames = frames
        self.ledger = ledger
    }

    /// Starts the program, and returns when it has ended and the client was told.
    func run(
        _ start: ProgramStart, _ limits: ProgramEntry, name: String
    ) async -> Outcome {
        let startedAt = loop.now
        let program: Program
        do throws(StreamError) {
            program = try Program(start, loop: loop) { [unowned self] in programChanged() }
        } catch {
            vacate()
            // Where its files are is not the client's business.
            await send(
                Refusal(
                    .unavailable, "\(name) cannot be started; tell the server's administrator"
                ).frame)
            return .refused(Refusal(.unavailable, error.description))
        }
        self.program = program
        usage.pid = program.pid
        outputLimit = limits.outputLimit
        timers.append(
            Timer(after: limits.timeout, on: loop) { [unowned self] in end(.timedOut) })
        channel.enter(.hearing)
        pingInTime()
        if program.input != nil { wantInput(Self.window) }
        let listener = loop.spawn { await self.listen() }
        await withTaskCancellationHandler {
            await pump(program)
        } onCancel: {
            loop.execute { self.end(nil) }
        }
        isOver = true
        listener.cancel()
        await listener.value
        timers = []
        pinger = nil
        channel.enter(.idle)
        do throws(StreamError) { try ledger.exited() } catch { failure = failure ?? error }
        usage.nanoseconds = loop.now - startedAt
        return outcome
    }

    private var outcome: Outcome {
        verdict ?? (program?.end).map { .ended($0) } ?? .leftRunning
    }

    private func programChanged() {
        if program?.end != nil { vacateOnce() }
        bell.ring()
    }

    private func vacateOnce() {
        guard !hasVacated else { return }
        hasVacated = true
        vacate()
    }

    // MARK: Its end

    /// Ends the program: SIGTERM to its group, after the grace time SIGKILL.
    private func end(_ verdict: Outcome?) {
        guard let program, program.end == nil else { return }
        if self.verdict == nil { self.verdict = verdict }
        guard !isEnding else { return }
        isEnding = true
        program.signal(ProgramSignal.terminate)
        timers.append(
            Timer(after: grace, on: loop) { program.signal(ProgramSignal.kill) })
        timers.append(
            Timer(after: grace + Self.lastWait, on: loop) { [unowned self] in
                isLost = true
                vacateOnce()
                bell.ring()
            })
    }

    private func fail(_ error: StreamError) {
        if failure == nil { failure = error }
        leave()
    }

    private func leave() {
        end(nil)
        // Whoever waits to write has nobody to write to.
        channel.wake(.write)
        bell.ring()
    }

    // MARK: What the client sends meanwhile

    private func listen() async {
        do throws(StreamError) {
            while !isOver {
                guard ahead.count <= Frame.aheadLimit else {
                    // Only the connection's end is still of interest; what the client says is not heard
                    // here, so its silence means nothing.
                    if channel.hasHungUp {
                        throw StreamError(.endedEarly, "the client left before its answers")
                    }
                    channel.clearDue()
                    try await channel.wait(for: .read)
                    continue
                }
                let taken = try await stream.read(upTo: 16_384) { bytes in
                    self.taken(bytes)
                }
                guard let taken else {
                    clientHasEnded = true
                    return leave()
                }
                try taken.get()
            }
        } catch {
            if !isOver { fail(error) }
        }
    }

    private func taken(_ bytes: Span<UInt8>) -> Result<Void, StreamError> {
        var offset = 0
        do throws(StreamError) {
            while try frames.next(bytes, at: &offset, take) != nil {}
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    private func take(_ type: FrameType, _ payload: Span<UInt8>) throws(StreamError) {
        switch type {
        case .run, .runPart:
            let bytes = unsafe payload.withUnsafeBufferPointer { unsafe Array($0) }
            ahead.append(type, bytes)
            if type == .run { waitingRuns += 1 }
        case .input:
            guard try ledger.receive(payload.count) else { return }
            usage.bytesIn += payload.count
            program?.input?.write(payload)
            replaceInput()
        case .inputEnd:
            guard try ledger.end() else { return }
            inputHasEnded = true
            program?.input?.finish()
        case .cancel:
            waitingCancelled = waitingRuns
            end(nil)
        // One answers any number that came while nothing could be sent.
        case .ping: if control.count < Self.mostControl { tell(.pong) }
        case .pong, .inputWanted, .output, .errorOutput, .exit, .refusal: break
        }
    }

    private func tell(_ type: FrameType) {
        control.append(type)
        bell.ring()
    }

    private func wantInput(_ count: Int) {
        ledger.want(count)
        control.append(inputWanted: count)
        bell.ring()
    }

    /// Asks for as much input as the program has taken, so that what it has not taken is never more
    /// than the window.
    private func replaceInput() {
        guard let input = program?.input, !inputHasEnded, !input.isClosed else { return }
        let due = input.taken - inputReplaced
        guard due >= Self.window / 4 else { return }
        inputReplaced += due
        wantInput(due)
    }

    /// Asks a client that was not heard of for a while whether it is there.
    private func pingInTime() {
        let third = channel.deadlines.idle / 3
        pinger = Timer(after: third, on: loop) { [unowned self] in
            if Double(channel.silence) >= third * 1e9 { tell(.ping) }
            pingInTime()
        }
    }

    // MARK: What the program says

    private func pump(_ program: Program) async {
        var moved = 0
        while true {
            let hasEnded = program.end != nil || isLost
            if isLost { program.abandon() }
            replaceInput()
            var filled = 0
            var count = 0
            loop.withOutput(&filled) { output in
                count = gather(program, into: &output)
            }
            var isDone = false
            if hasEnded, isQuiet(program), control.isEmpty {
                let exit = outcome.frame
                loop.withOutput(&filled) { output in
                    guard output.freeCapacity >= exit.count else { return }
                    for byte in exit { output.append(byte) }
                    isDone = true
                }
            }
            if filled > 0, !isGone { await send(filled) }
            if isDone { return }
            moved += count
            if filled == 0, count == 0 {
                moved = 0
                await bell.wait()
            } else if moved >= Self.turn {
                // A program that always has more must not keep other sessions waiting.
                moved = 0
                await loop.nextTurn()
            }
        }
    }

    /// What it writes from here on reaches nobody.
    private var isMuted: Bool { isGone || verdict == .overOutput }

    /// Whether nothing more of its output is to be expected, once it has ended.
    private func isQuiet(_ program: Program) -> Bool {
        isMuted || program.output.hasEnded && program.errorOutput.hasEnded
    }

    /// Collects frames while there is room and something to say.
    ///
    /// - Returns: the bytes that were read, also those that nobody gets.
    private func gather(_ program: Program, into output: inout OutputSpan<UInt8>) -> Int {
        let count = min(control.count, output.freeCapacity)
        for index in 0..<count { output.append(control[index]) }
        control.removeFirst(count)
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

    private func read(
        _ pipe: PipeReader, _ type: FrameType, into output: inout OutputSpan<UInt8>
    ) -> Int {
        guard pipe.isReadable, output.freeCapacity > Frame.headerLength + Self.leastChunk
        else { return 0 }
        let start = output.count
        for _ in 0..<Frame.headerLength { output.append(type.rawValue) }
        let count = pipe.read(into: &output)
        var kept = count
        if usage.bytesOut + count > outputLimit {
            kept = outputLimit - usage.bytesOut
            // Also where the program has ended by itself meanwhile: what is cut must not pass for all.
            if verdict == nil { verdict = .overOutput }
            end(nil)
        }
        usage.bytesOut += kept
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
    private func send(_ filled: Int) async {
        var rest: [UInt8] = []
        do throws(StreamError) {
            rest = try loop.withGathered(filled) { (bytes) throws(StreamError) in
                var sent = 0
                while sent < bytes.count {
                    guard
                        case .moved(let count) = try stream.attemptWrite(
                            bytes.extracting(droppingFirst: sent))
                    else { break }
                    sent += count
                }
                return unsafe bytes.extracting(droppingFirst: sent).withUnsafeBufferPointer {
                    unsafe Array($0)
                }
            }
        } catch {
            return fail(error)
        }
        if !rest.isEmpty { await send(rest) }
    }

    private func send(_ bytes: [UInt8]) async {
        var sent = 0
        var patience: Timer?
        do throws(StreamError) {
            while sent < bytes.count, !isGone {
                try channel.check()
                switch try stream.attemptWrite(bytes.span.extracting(droppingFirst: sent)) {
                case .moved(let count):
                    sent += count
                    patience = nil
                case .blocked(let direction):
                    if patience == nil { patience = waitForReader() }
                    try await channel.wait(for: direction)
                case .ended: throw StreamError(.reset, "the client has closed the connection")
                }
            }
        } catch {
            fail(error)
        }
        withExtendedLifetime(patience) {}
        isCut = sent < bytes.count
    }

    /// A client may be there, and say so, and yet not read: that has the idle deadline as well.
    private func waitForReader() -> Timer {
        Timer(after: channel.deadlines.idle, on: loop) { [unowned self] in
            channel.fail(
                StreamError(
                    .idleTimedOut, "the client did not read for the idle deadline, and was given up"
                ))
        }
    }

    /// Input that is on its way to the program, in bytes: enough for a fast program at the end of a long line.
    private static var window: Int { 262_144 }
    /// What SIGKILL may take, in seconds.
    private static var lastWait: Double { 2 }
    /// Bytes a turn of the loop, as a socket's.
    private static var turn: Int { 65_536 }
    /// A smaller rest of the output's room is not worth a read.
    private static var leastChunk: Int { 512 }
    /// Frames beside the output that may wait, in bytes.
    private static var mostControl: Int { 4_096 }
}
