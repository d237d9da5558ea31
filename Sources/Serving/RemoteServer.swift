// The server's half of parley/1: reads runs, answers each in its turn.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Programs
internal import Remote
public import Sockets
internal import System

/// One remote session. Between programs it is answered by the loop as replies are; a program is
/// run by `RunningCommand`.
public final class RemoteServer<Stream: ByteStream>: @unchecked Sendable {
    /// Commands that were answered.
    public internal(set) var answered = 0

    let stream: Stream
    let host: any RemoteHost
    let incoming = Incoming()
    /// Answers that did not fit the output yet.
    private var outbox: [UInt8] = []
    private var next: Approved?
    /// Answers of this turn that cost more than a look-up.
    private var dearAnswers = 0
    private var failure: StreamError?
    /// It was asked whether it is there.
    private var awaitsPong = false

    /// - Parameters:
    ///   - stream: an established stream whose peer is known to the host; the caller closes it.
    ///   - host: kept as long as the session.
    public init(_ stream: Stream, host: any RemoteHost) {
        self.stream = stream
        self.host = host
    }

    /// Serves until the client's end, or until a reply closes.
    ///
    /// - Throws: `malformed`; `endedEarly` where the client leaves before it has its answers; what
    ///   the stream throws; `cancelled`. Programs that were started have been told to end.
    public func serve() async throws(StreamError) {
        stream.channel.enter(.resting)
        while try await stream.answer(
            upTo: 16_384, ping: { [unowned self] in ping() },
            { [unowned self] in answer($0, &$1) })
        {
            if let failure { throw failure }
            guard let approved = next.take() else { return }
            try await run(approved)
        }
    }

    // MARK: Between programs

    /// Answers what one read returned, as far as there is room.
    private func answer(_ bytes: Span<UInt8>, _ output: inout OutputSpan<UInt8>) -> Turn {
        var offset = 0
        var turn = Turn.send
        dearAnswers = 0
        let objection = host.objection
        do throws(StreamError) {
            while case .send = turn {
                drainOutbox(into: &output)
                guard outbox.isEmpty, output.freeCapacity >= Self.longestAnswer,
                    dearAnswers < Self.dearAnswersATurn
                else {
                    turn = .more
                    break
                }
                let step = try incoming.next(bytes, at: &offset) {
                    (arrival, payload) throws(StreamError) in
                    try take(arrival, payload, objection, &output)
                }
                guard let step else { break }
                turn = step
            }
        } catch {
            failure = error
            refuse("", [], nil, Refusal(.malformed, error.description), &output)
            turn = .last
        }
        host.wroteReplies()
        switch turn {
        case .more: stream.readAhead = rest(bytes, from: offset) ?? []
        // What stands behind a program that is to be started waits for its end.
        case .last: stream.readAhead = rest(bytes, from: offset)
        case .send, .gather: break
        }
        return turn
    }

    private func take(
        _ arrival: Arrival, _ payload: Span<UInt8>, _ objection: Refusal?,
        _ output: inout OutputSpan<UInt8>
    ) throws(StreamError) -> Turn {
        switch arrival {
        case .run:
            stream.channel.noteActivity()
            answered += 1
            if incoming.isPlain, objection == nil, let turn = replyInPlace(payload, &output) {
                return turn
            }
            return decide(try incoming.finishRun(payload), objection, &output)
        // A client that is merely there lets the session rest.
        case .ping: Self.append(Self.pong, to: &output)
        case .pong:
            // One that pongs unasked does not read what it was sent, and may not have its answers yet.
            if !awaitsPong { stream.channel.noteActivity() }
            awaitsPong = false
        case .input, .inputEnd, .cancel, .noted: stream.channel.noteActivity()
        }
        return .send
    }

    /// Gives the fixed reply that a run without arguments asks for, without a copy of its name; nil
    /// where it asks for something else.
    private func replyInPlace(
        _ payload: Span<UInt8>, _ output: inout OutputSpan<UInt8>
    ) -> Turn? {
        guard payload.count > 2, payload.count - 2 == Int(payload[0]) << 8 | Int(payload[1]) else {
            return nil
        }
        return reply(to: payload.extracting(droppingFirst: 2), &output)
    }

    private func reply(to name: Span<UInt8>, _ output: inout OutputSpan<UInt8>) -> Turn? {
        guard let reply = host.replies.find(name) else { return nil }
        host.replied(name)
        Self.append(reply.frames, to: &output)
        return reply.closes ? .last : .send
    }

    private func decide(
        _ reading: RequestReader.Reading, _ objection: Refusal?, _ output: inout OutputSpan<UInt8>
    ) -> Turn {
        dearAnswers += 1
        let wasCancelled = incoming.takeCancel()
        let request: Request
        switch reading {
        case .request(let read): request = read
        case .tooLarge(let name):
            refuse(name, [], nil, .tooLarge(name), &output)
            return .send
        case .notText(let word, let name):
            refuse(name, [], nil, .notText(word, of: name), &output)
            return .send
        }
        let entry = host.table[request.name]
        if let refusal = wasCancelled ? .cancelled(request.name) : objection {
            refuse(request.name, request.arguments, entry, refusal, &output)
            return .send
        }
        switch (request.name, entry) {
        case ("help", nil), ("whoami", nil):
            builtIn(request, &output)
            return .send
        case (_, nil):
            refuse(
                request.name, request.arguments, nil, .unknownCommand(request.name), &output)
            return .send
        case (_, let entry?):
            return start(entry, request.arguments, &output)
        }
    }

    private func start(
        _ entry: CommandEntry, _ arguments: [String], _ output: inout OutputSpan<UInt8>
    ) -> Turn {
        guard case .program(let program) = entry.action else {
            let name = Array(entry.name.utf8)
            if arguments.isEmpty, let turn = reply(to: name.span, &output) { return turn }
            let refusal = Refusal(.badArgument, "\(entry.name) takes no arguments; leave them out")
            refuse(entry.name, arguments, entry, refusal, &output)
            return .send
        }
        guard entry.permits(host.identity) else {
            refuse(entry.name, arguments, entry, notAllowed(entry), &output)
            return .send
        }
        guard program.isAvailable else {
            refuse(entry.name, arguments, entry, .unavailable(entry.name), &output)
            return .send
        }
        // What is compared with patterns, and recorded, costs by its length and by its patterns.
        dearAnswers += arguments.reduce(0) { $0 + $1.utf8.count } / Self.bytesADearAnswer
        var work = MatchingWork()
        let invocation = program.invocation(for: arguments, &work)
        dearAnswers += work.spent / Self.workADearAnswer
        switch invocation {
        case .failure(let bad):
            refuse(
                entry.name, arguments, entry, Refusal(.badArgument, bad.description), &output)
            return .send
        case .success(let invocation):
            next = Approved(
                entry: entry, program: program, arguments: arguments, invocation: invocation,
                table: host.table)
            return .last
        }
    }

    private func builtIn(_ request: Request, _ output: inout OutputSpan<UInt8>) {
        guard request.arguments.isEmpty else {
            let refusal = Refusal(
                .badArgument, "\(request.name) takes no arguments; leave them out")
            return refuse(request.name, request.arguments, nil, refusal, &output)
        }
        let name = Array(request.name.utf8)
        host.replied(name.span)
        let text = request.name == "help" ? help(for: host.identity, host.table) : host.whoami
        outbox.append(.output, cutting: Array(text.utf8))
        outbox += Outcome.ended(.status(0)).frame
        drainOutbox(into: &output)
    }

    private func refuse(
        _ name: String, _ arguments: [String], _ entry: CommandEntry?, _ refusal: Refusal,
        _ output: inout OutputSpan<UInt8>
    ) {
        host.refused(name, arguments, entry, refusal)
        Self.append(refusal.frame, to: &output)
    }

    private func drainOutbox(into output: inout OutputSpan<UInt8>) {
        guard !outbox.isEmpty else { return }
        let count = min(outbox.count, output.freeCapacity)
        for index in 0..<count { output.append(outbox[index]) }
        outbox.removeFirst(count)
    }

    /// What was not read of `bytes`, before what is read ahead already.
    private func rest(_ bytes: Span<UInt8>, from offset: Int) -> [UInt8]? {
        guard offset < bytes.count else { return stream.readAhead }
        let rest = unsafe bytes.extracting(droppingFirst: offset).withUnsafeBufferPointer {
            unsafe Array($0)
        }
        return rest + (stream.readAhead ?? [])
    }

    private static func append(_ bytes: [UInt8], to output: inout OutputSpan<UInt8>) {
        for byte in bytes { output.append(byte) }
    }

    private func ping() -> [UInt8] {
        awaitsPong = true
        return [FrameType.ping.rawValue, 0, 0, 0]
    }

    private static var pong: [UInt8] { [FrameType.pong.rawValue, 0, 0, 0] }
    /// A refusal, or a fixed reply of a message's length with its exit.
    private static var longestAnswer: Int { 2_048 }
    /// Each of them may be an audit record: so many take a fraction of a millisecond.
    private static var dearAnswersATurn: Int { 64 }
    private static var bytesADearAnswer: Int { 64 }
    /// So that many small requests together take no longer than one that may do the most.
    private static var workADearAnswer: Int { MatchingWork.limit / dearAnswersATurn }

    private func notAllowed(_ entry: CommandEntry) -> Refusal {
        Refusal(
            .notAllowed,
            "\(entry.name) is not allowed for \(host.identity); the command help lists what is"
        )
    }
}
