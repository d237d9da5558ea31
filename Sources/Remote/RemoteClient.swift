// The client's half of parley/1: sends runs, and delivers each one's output and outcome.
// SPDX-License-Identifier: Apache-2.0
public import Sockets
internal import System

/// One remote session, from the client's side. Confined to its loop.
public final class RemoteClient<Stream: ByteStream> {
    /// Bytes of runs that are not answered yet.
    public private(set) var bytesUnanswered = 0
    /// Bytes of input that were sent for the command that is being answered, or was answered last.
    public private(set) var inputSent = 0

    private let stream: Stream
    private let console: any RemoteConsole
    private var frames = FrameReader(from: .server)
    /// What was read after the last outcome.
    private var rest: [UInt8] = []
    private var restOffset = 0
    /// The lengths of the runs that await an answer.
    private var unanswered: [Int] = []
    let outbox: Outbox<Stream>

    /// How much more input is requested; nil if none ever was for this command.
    private var credit: Int?
    /// Rings when there may be input to send, and room for it.
    private let creditBell = Bell()
    private var input: Task<Void, Never>?
    private var inputHasEnded = false
    private var inputFailure: StreamError?

    var channel: Channel { stream.channel }
    private var loop: EventLoop { channel.loop }

    /// `finish()` must follow.
    public init(_ stream: Stream, console: any RemoteConsole) {
        self.stream = stream
        self.console = console
        outbox = Outbox(stream, emptied: creditBell)
        channel.driver = self
    }

    /// Sends a command; its answer comes after those of the commands sent before.
    ///
    /// - Throws: `commandRefused` if the server would refuse it for its size, or it has no name.
    public func send(_ words: [String]) throws(StreamError) {
        try RemoteRequest.check(words)
        let frames = Request(name: words[0], arguments: Array(words.dropFirst())).frames
        unanswered.append(frames.count)
        bytesUnanswered += frames.count
        outbox.add(frames)
    }

    /// Ends every command that was sent and is not answered yet; each still gets its answer.
    public func cancel() {
        if !unanswered.isEmpty { say(.cancel) }
    }

    /// Waits for the outcome of the oldest command that is not answered, and passes its output on.
    ///
    /// - Throws: `endedEarly` if the session ends first, in whatever way, or the server is silent
    ///   for the idle deadline; `malformed`; what the stream throws.
    public func answer() async throws(StreamError) -> Outcome {
        (credit, inputHasEnded, inputSent) = (nil, false, 0)
        hear()
        let outcome = try await outcome()
        channel.enter(.holding)
        bytesUnanswered -= unanswered.removeFirst()
        try await endInput()
        return outcome
    }

    /// Waits between commands for the server's end, and answers its pings meanwhile; to be cancelled
    /// when the next command is sent.
    ///
    /// - Throws: `cancelled`; `malformed`; `commandRefused` if the server refuses the session; what the stream throws.
    public func untilEnded() async throws(StreamError) {
        hear()
        defer { channel.enter(.holding) }
        if restOffset < rest.count {
            let held = rest
            _ = try taken(held.span, at: &restOffset)
        }
        while let result = try await stream.read(upTo: 16_384, { self.taken($0) }) {
            _ = try result.get()
        }
    }

    /// Ends the session's own work; the stream must still be closed.
    public func finish() async {
        channel.driver = nil
        input?.cancel()
        creditBell.ring()
        await input?.value
        await outbox.finish()
    }

    // MARK: Reading

    private func hear() {
        channel.enter(.hearing)
        // A client that sends no pings can't expect answers while a command is silent.
        if channel.deadlines.keepalive == .zero, !unanswered.isEmpty { channel.clearDue() }
    }

    private func outcome() async throws(StreamError) -> Outcome {
        do throws(StreamError) {
            while true {
                if restOffset < rest.count {
                    let held = rest
                    if let outcome = try taken(held.span, at: &restOffset) { return outcome }
                }
                if console.isFull {
                    // It is we who are holding up the server.
                    channel.enter(.holding)
                    await console.drained()
                    hear()
                }
                let result = try await stream.readMany { self.taken($0) }
                guard let result else {
                    throw StreamError(
                        .endedEarly,
                        "the server ended the session before the command's outcome was known")
                }
                if let outcome = try result.get() { return outcome }
            }
        } catch {
            if let inputFailure { throw inputFailure }
            guard error.code == .idleTimedOut else { throw error }
            throw error.saying(
                "\(error.sentence); the command's outcome is unknown", as: .endedEarly)
        }
    }

    private func taken(_ bytes: Span<UInt8>) -> Result<Outcome?, StreamError> {
        var offset = 0
        do throws(StreamError) {
            let outcome = try taken(bytes, at: &offset)
            rest = Array(bytes.extracting(droppingFirst: offset))
            restOffset = 0
            return .success(outcome)
        } catch {
            return .failure(error)
        }
    }

    /// Takes frames up to an outcome.
    private func taken(
        _ bytes: Span<UInt8>, at offset: inout Int
    ) throws(StreamError) -> Outcome? {
        var outcome: Outcome?
        try frames.takeAll(bytes, at: &offset, joining: .output) {
            (pieces, bytes) throws(StreamError) in
            try expect(.output)
            console.write(output: pieces, of: bytes)
        } _: { (type, payload) throws(StreamError) in
            outcome = try take(type, payload)
            return outcome == nil
        }
        return outcome
    }

    /// Any frame but ping and pong belongs to a command.
    private func expect(_ type: FrameType) throws(StreamError) {
        guard unanswered.isEmpty else { return }
        throw .malformed("a frame of type \(type.rawValue) arrived without a command")
    }

    private func take(
        _ type: FrameType, _ payload: Span<UInt8>
    ) throws(StreamError) -> Outcome? {
        if type == .refusal, unanswered.isEmpty,
            case .refused(let refusal) = Outcome.refusal(payload)
        {
            throw StreamError(
                .commandRefused, "the server refused the session: \(escaped(refusal.sentence))")
        }
        if type != .ping, type != .pong { try expect(type) }
        switch type {
        case .errorOutput: console.write(errorOutput: payload)
        case .exit: return try .exit(payload)
        case .refusal: return .refusal(payload)
        case .inputWanted:
            var count = 0
            for index in payload.indices { count = count << 8 | Int(payload[index]) }
            guard count > 0 else { throw .malformed("zero bytes of input were requested") }
            wantInput(count)
        // Skipped if much is waiting already: one pong answers all pings before it.
        case .ping: if outbox.count < Self.maxWaiting { say(.pong) }
        case .pong, .output, .run, .runPart, .input, .inputEnd, .cancel: break
        }
        return nil
    }

    // MARK: Input

    private func wantInput(_ count: Int) {
        credit = (credit ?? 0) + count
        creditBell.ring()
        if input == nil, !inputHasEnded { input = loop.spawn { await self.sendInput() } }
    }

    private func sendInput() async {
        while !Task.isCancelled {
            guard let credit, credit > 0, outbox.isEmpty else {
                await creditBell.wait()
                continue
            }
            do throws(StreamError) {
                if try sendAtHand(upTo: min(credit, Self.maxInput)) { continue }
            } catch {
                // The reader will meet the same failure, and may find its reason first.
                return channel.wake(.read)
            }
            do throws(StreamError) {
                guard
                    let bytes = try await console.input(upTo: min(credit, Self.maxInput))
                else { return sayInputEnd() }
                // More may have been requested meanwhile.
                self.credit? -= bytes.count
                inputSent += bytes.count
                outbox.add(input: bytes)
            } catch {
                guard error.code != .cancelled else { return }
                // Part of the input must not look like all of it.
                inputFailure = error
                channel.fail(error)
                return
            }
        }
    }

    /// Sends input that is there at once, from the memory where it was read.
    ///
    /// - Returns: false if there was none.
    private func sendAtHand(upTo most: Int) throws(StreamError) -> Bool {
        let buffer = TransferBuffer(of: loop)
        var (filled, count) = (0, 0)
        buffer.fill(&filled) { frames in
            count = console.inputAtHand(
                most, into: &frames, cutting: Frame.payloadLimit, after: Frame.headerLength)
            frames.frame(.input, from: 0, keeping: count)
        }
        guard count > 0 else { return false }
        credit? -= count
        inputSent += count
        try outbox.send(buffer, filled)
        return true
    }

    /// The command has its outcome: whatever input it was given ends.
    private func endInput() async throws(StreamError) {
        guard credit != nil else { return }
        input?.cancel()
        creditBell.ring()
        await input?.value
        input = nil
        if let inputFailure { throw inputFailure }
        if !inputHasEnded { sayInputEnd() }
    }

    private func sayInputEnd() {
        inputHasEnded = true
        say(.inputEnd)
    }

    // MARK: Writing

    func say(_ type: FrameType) {
        var frame: [UInt8] = []
        frame.append(type)
        outbox.add(frame)
    }

    /// How many bytes may wait to be sent before pings get no pongs.
    private static var maxWaiting: Int { 131_072 }
    /// How much input is read at once: full frames that are encrypted together.
    private static var maxInput: Int { TransferBuffer.records * Frame.payloadLimit }
}
