// Answers a stream's messages as they come, without suspending a task for each.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// What to do with the output after a message was answered.
public enum Turn: Sendable {
    /// Keep it, so that replies that are ready together leave together.
    case gather
    /// Send it now, as a record of its own.
    case send
    /// Send it now, and continue in the next turn with what the body left in the stream's
    /// `readAhead`.
    case more
    /// Send it now and end the answering.
    case last
}

extension ByteStream {
    /// Answers what comes, until the peer's end or `.last`.
    ///
    /// `body` gets what one read returned, at most `maximum` bytes, and appends its reply to the
    /// output, which has room for at least `answerCapacity` bytes. The loop calls it as bytes
    /// arrive: the task that called `answer` sleeps until the end, so that a message costs no
    /// resumption. If the peer does not read its replies, its messages are not read either.
    ///
    /// - Parameters:
    ///   - maximum: the most bytes that `body` gets at once.
    ///   - ping: returns what to send when the channel wants to know whether the peer is still there.
    ///   - body: answers what was read.
    /// - Returns: true after `.last`, false at the peer's clean end.
    /// - Throws: `StreamError`.
    @discardableResult
    public func answer(
        upTo maximum: Int, ping: @escaping () -> [UInt8] = { [] },
        _ body: @escaping (Span<UInt8>, inout OutputSpan<UInt8>) -> Turn
    ) async throws(StreamError) -> Bool {
        let end = AnsweringEnd()
        let bound = LoopBound(channel, to: channel.loop)
        await withTaskCancellationHandler {
            await Waiter.wait { waiter in
                beginAnswering(upTo: maximum, ping: ping, body) { result in
                    end.result = result
                    waiter.resume()
                }
            }
        } onCancel: {
            bound.execute { $0.cancel() }
        }
        return try end.result!.get()
    }

    /// The same without a task, whose memory a session that waits for a message would hold: returns at once.
    ///
    /// `ended` is called once with what `answer` would return or throw, possibly before this returns.
    /// `Channel.cancel()` ends it early.
    public func beginAnswering(
        upTo maximum: Int, ping: @escaping () -> [UInt8] = { [] },
        _ body: @escaping (Span<UInt8>, inout OutputSpan<UInt8>) -> Turn,
        ended: @escaping (Result<Bool, StreamError>) -> Void
    ) {
        let answering = Answering(self, maximum: maximum, ping: ping, body, ended)
        channel.driver = answering
        answering.resume()
    }
}

/// How an answering ended that a task waits for.
private final class AnsweringEnd {
    var result: Result<Bool, StreamError>?
}

extension Channel {
    /// Ends whatever is waiting, now and later, as cancelling the task that waits would.
    public final func cancel() { fail(StreamError(.cancelled, "the session was cancelled")) }
}

/// The most that one call of the body may append, in bytes.
public let answerCapacity = 4_096

private final class Answering<Stream: ByteStream>: Driver, Resumable {
    private let stream: Stream
    private let channel: Channel
    private let maximum: Int
    private let ping: () -> [UInt8]
    private let body: (Span<UInt8>, inout OutputSpan<UInt8>) -> Turn
    /// Nil once it was called.
    private var ended: ((Result<Bool, StreamError>) -> Void)?
    /// What the peer has not read yet; at most a record.
    private var unsent: [UInt8] = []
    /// Set if what is being sent is the last: true after `.last`, false after the peer's end.
    private var ending: Bool?
    /// It yielded, and what comes meanwhile waits for its turn.
    private var isQueued = false
    private var isProceeding = false
    private var isToPing = false

    init(
        _ stream: Stream, maximum: Int, ping: @escaping () -> [UInt8],
        _ body: @escaping (Span<UInt8>, inout OutputSpan<UInt8>) -> Turn,
        _ ended: @escaping (Result<Bool, StreamError>) -> Void
    ) {
        self.stream = stream
        channel = stream.channel
        self.maximum = maximum
        self.ping = ping
        self.body = body
        self.ended = ended
    }

    /// The channel became ready or failed, possibly in one of our own attempts.
    func channelChanged() {
        if !isQueued, !isProceeding { resume() }
    }

    func keepAlive() {
        // Pending data shows it as well, once the peer reads it.
        guard unsent.isEmpty else { return }
        isToPing = true
        channelChanged()
    }

    /// If it yielded, the stream may hold messages that neither the channel nor the kernel knows about.
    var owesPeer: Bool { isQueued || !unsent.isEmpty }

    /// Goes as far as the channel lets it.
    func resume() {
        isQueued = false
        guard let ended else { return }
        isProceeding = true
        defer { isProceeding = false }
        let result: Result<Bool, StreamError>
        do throws(StreamError) {
            guard let ending = try proceed() else { return }
            result = .success(ending)
        } catch {
            result = .failure(error)
        }
        self.ended = nil
        channel.driver = nil
        ended(result)
    }

    /// - Returns: how it ended; nil if it has to wait.
    private func proceed() throws(StreamError) -> Bool? {
        let loop = channel.loop
        try channel.check()
        if !unsent.isEmpty {
            let waiting = unsent
            unsent = Array(waiting[try send(waiting.span)...])
            if !unsent.isEmpty { return nil }
            unsent = []
            channel.noteActivity()
        }
        if let ending { return ending }
        var filled = 0
        if isToPing {
            isToPing = false
            loop.withOutput(&filled) { $0.append(contentsOf: ping().span) }
        }
        guard try answerReadAhead(&filled), !isQueued else { return nil }
        if let ending { return ending }
        for _ in 0..<Self.messagesPerTurn {
            var attempt = Attempt.ended
            var turn = Turn.gather
            try loop.withInput(atMost: maximum) { (input) throws(StreamError) in
                attempt = try stream.attemptRead(into: &input)
                guard case .moved = attempt else { return }
                turn = answer(input.span, &filled)
            }
            switch attempt {
            case .ended:
                ending = false
                return try flush(&filled) ? ending : nil
            case .blocked:
                _ = try flush(&filled)
                return nil
            case .moved:
                guard try handled(turn, &filled) else { return nil }
                if isQueued { return nil }
                if let ending { return ending }
            }
        }
        // A peer that always has more to send must not keep the others waiting.
        if try flush(&filled) {
            isQueued = true
            loop.resumeNextTurn(self)
        }
        return nil
    }

    /// Answers what was read before it was asked for.
    ///
    /// - Returns: false if the peer does not read the answers.
    private func answerReadAhead(_ filled: inout Int) throws(StreamError) -> Bool {
        while ending == nil, !isQueued, let held = stream.readAhead {
            // Taken before its buffer is lent to the body, in pieces like those of a read.
            stream.readAhead = held.count > maximum ? Array(held[maximum...]) : nil
            let turn = answer(held.span.extracting(first: maximum), &filled)
            guard try handled(turn, &filled) else { return false }
        }
        return true
    }

    private func answer(_ message: Span<UInt8>, _ filled: inout Int) -> Turn {
        var reply = unsafe OutputSpan(buffer: channel.loop.output, initializedCount: filled)
        let turn = body(message, &reply)
        filled = unsafe reply.finalize(for: channel.loop.output)
        return turn
    }

    /// Handles the output as the body asked.
    ///
    /// - Returns: false if the peer does not read all of it.
    private func handled(_ turn: Turn, _ filled: inout Int) throws(StreamError) -> Bool {
        let room = unsafe channel.loop.output.count - filled
        if case .gather = turn, room >= answerCapacity { return true }
        if case .last = turn { ending = true }
        guard try flush(&filled) else { return false }
        if case .more = turn {
            isQueued = true
            channel.loop.resumeNextTurn(self)
        }
        return true
    }

    /// Sends the loop's output; what does not fit stays here.
    ///
    /// - Returns: whether all of it is on its way.
    private func flush(_ filled: inout Int) throws(StreamError) -> Bool {
        guard filled > 0 else { return true }
        let output = unsafe UnsafeBufferPointer(
            rebasing: channel.loop.output[..<filled])
        filled = 0
        let sent = unsafe try send(output.span)
        guard sent < output.count else { return true }
        unsafe unsent = Array(output[sent...])
        return false
    }

    private func send(_ bytes: Span<UInt8>) throws(StreamError) -> Int {
        var sent = 0
        while sent < bytes.count {
            switch try stream.attemptWrite(bytes.extracting(droppingFirst: sent)) {
            case .moved(let count): sent += count
            case .blocked: return sent
            case .ended: throw StreamError(.reset, "the peer closed the connection")
            }
        }
        return sent
    }

    /// Enough that a busy stream costs no extra turns of the loop, few enough that others wait for
    /// a fraction of a millisecond.
    private static var messagesPerTurn: Int { 64 }
}
