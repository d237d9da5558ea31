// The server's half of parley/1: reads runs, answers each in its turn.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Programs
internal import Remote
public import Sockets
internal import System

/// One remote session. Between programs it is answered by the loop as replies are; a program is
/// run by `RunningCommand`.
public final class RemoteServer<Stream: ByteStream> {
    /// Commands that were answered.
    public internal(set) var answered = 0

    let stream: Stream
    /// The stream's; asked of it at each frame, it would be kept and given up each time.
    let channel: Channel
    let host: any RemoteHost
    let incoming = Incoming()
    /// Answers that did not fit the output yet.
    private var outbox: [UInt8] = []
    private var next: Approved?
    /// What the answers of this turn cost, of `TurnShare.limit`.
    private var turnCost = 0
    private var failure: StreamError?
    /// It was asked whether it is there.
    private var awaitsPong = false

    /// - Parameters:
    ///   - stream: an established stream whose peer is known to the host; the caller closes it.
    ///   - host: kept as long as the session.
    public init(_ stream: Stream, host: any RemoteHost) {
        self.stream = stream
        channel = stream.channel
        self.host = host
    }

    /// Serves until the client's end, or until a reply closes.
    ///
    /// - Throws: `malformed`; `endedEarly` where the client leaves before it has its answers; what
    ///   the stream throws; `cancelled`. Programs that were started have been told to end.
    public func serve() async throws(StreamError) {
        channel.enter(.resting)
        while try await stream.answer(
            upTo: 16_384, ping: { [unowned self] in ping() },
            { [unowned self] in answer($0, &$1) })
        {
            if let failure { throw failure }
            guard let approved = next.take(), try await run(approved) else { return }
        }
    }

    // MARK: Between programs

    /// Answers what one read returned, as far as there is room.
    private func answer(_ bytes: Span<UInt8>, _ output: inout OutputSpan<UInt8>) -> Turn {
        var offset = 0
        var turn = Turn.send
        turnCost = 0
        let objection = host.objection
        do throws(StreamError) {
            while case .send = turn {
                outbox.move(into: &output)
                guard outbox.isEmpty, output.freeCapacity >= Self.longestAnswer,
                    turnCost < TurnShare.limit
                else {
                    turn = .more
                    break
                }
                let hasCome = try incoming.next(bytes, at: &offset) {
                    (arrival, payload) throws(StreamError) in
                    turn = try take(arrival, payload, objection, &output)
                }
                guard hasCome else { break }
            }
        } catch {
            failure = error
            let refusal = Refusal(.malformed, error.sentence)
            host.refused("", [], nil, refusal)
            output.append(contentsOf: refusal.frame.span)
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
            channel.noteActivity()
            answered += 1
            if incoming.isPlain, objection == nil, let turn = replyInPlace(payload, &output) {
                return turn
            }
            return answer(try incoming.finishRun(payload), objection, &output)
        // A client that is merely there lets the session rest.
        case .ping: output.append(contentsOf: Self.pong.span)
        case .pong:
            // One that pongs unasked does not read what it was sent, and may not have its answers yet.
            if !awaitsPong { channel.noteActivity() }
            awaitsPong = false
        case .input, .inputEnd, .cancel, .noted: channel.noteActivity()
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
        let name = payload.extracting(droppingFirst: 2)
        guard let reply = host.replies.find(name) else { return nil }
        host.replied(name)
        output.append(contentsOf: reply.frames.span)
        return reply.closes ? .last : .send
    }

    private func answer(
        _ reading: RequestReader.Reading, _ objection: Refusal?, _ output: inout OutputSpan<UInt8>
    ) -> Turn {
        turnCost += 1
        let wasCancelled = incoming.takeCancel()
        let (request, answer): (Request, Answer)
        switch reading {
        case .request(let read):
            let objection = wasCancelled ? .cancelled(read.name) : objection
            switch host.decide(read, objection, cost: &turnCost) {
            case .program(let approved):
                next = approved
                return .last
            case .answer(let decided): (request, answer) = (read, decided)
            }
        case .tooLarge(let name):
            request = Request(name: name, arguments: [])
            answer = .refusal(.tooLarge(name), nil)
        case .notText(let word, let name):
            request = Request(name: name, arguments: [])
            answer = .refusal(.notText(word, of: name), nil)
        }
        outbox = say(answer, to: request)
        outbox.move(into: &output)
        return answer.closes ? .last : .send
    }

    /// Has an answer recorded.
    ///
    /// - Returns: its frames.
    func say(_ answer: Answer, to request: Request) -> [UInt8] {
        switch answer {
        case .reply, .text:
            let name = Array(request.name.utf8)
            host.replied(name.span)
        case .refusal(let refusal, let entry):
            host.refused(request.name, request.arguments, entry, refusal)
        }
        return answer.frames
    }

    /// What was not read of `bytes`, before what is read ahead already.
    private func rest(_ bytes: Span<UInt8>, from offset: Int) -> [UInt8]? {
        guard offset < bytes.count else { return stream.readAhead }
        return Array(bytes.extracting(droppingFirst: offset)) + (stream.readAhead ?? [])
    }

    private func ping() -> [UInt8] {
        awaitsPong = true
        return [FrameType.ping.rawValue, 0, 0, 0]
    }

    private static var pong: [UInt8] { [FrameType.pong.rawValue, 0, 0, 0] }
    /// A refusal, or a fixed reply of a message's length with its exit.
    private static var longestAnswer: Int { 2_048 }
}
