// The server's half of parley/1: reads runs, and answers each in turn.
// SPDX-License-Identifier: Apache-2.0
internal import Remote
package import Sockets
internal import System

/// One remote session. The loop answers fixed replies; for everything else the broker is asked, and a
/// program's bytes are carried by `RunningCommand`.
package final class RemoteServer<Stream: ByteStream> {
    /// Commands that were answered.
    package internal(set) var answered = 0

    let stream: Stream
    /// The stream's channel; asking the stream for it at each frame would retain and release it
    /// each time.
    let channel: Channel
    let host: any RemoteHost
    let incoming = Incoming()
    /// Answers that have not fitted into the output yet.
    private var outbox: [UInt8] = []
    private var next: Asked?
    /// What was done in that turn of the loop, as counted by `maxPerTurn`.
    private var work: (turn: UInt64, spent: Int) = (0, 0)
    private var failure: StreamError?
    /// The host was asked for a run and has not answered yet.
    var isAsking = false
    /// The client was asked whether it is there.
    private var awaitsPong = false

    /// - Parameters:
    ///   - stream: an established stream whose peer is known to the host; the caller closes it.
    ///   - host: kept as long as the session.
    package init(_ stream: Stream, host: any RemoteHost) {
        self.stream = stream
        channel = stream.channel
        self.host = host
    }

    /// Serves until the client ends the session, or a reply closes it.
    ///
    /// - Throws: `malformed`; `endedEarly` if the client disconnects before it has its answers;
    ///   what the stream throws; `cancelled`. Programs that were started have been told to end.
    package func serve() async throws(StreamError) {
        channel.enter(.resting)
        while try await stream.answer(
            upTo: 16_384, ping: { [unowned self] in ping() },
            { [unowned self] in answer($0, &$1) })
        {
            if let failure { throw failure }
            guard let asked = next.take(), try await run(asked) else { return }
        }
    }

    /// Whether something has arrived that has no answer yet; if a program is running, its host
    /// knows.
    package var owesAnswer: Bool { isAsking || next != nil || stream.readAhead != nil }

    // MARK: Between programs

    /// Answers what one read returned, as far as there is room.
    private func answer(_ bytes: Span<UInt8>, _ output: inout OutputSpan<UInt8>) -> Turn {
        var offset = 0
        var turn = Turn.send
        let loopTurn = channel.loop.turns
        if work.turn != loopTurn { work = (loopTurn, 0) }
        let objection = host.objection
        do throws(StreamError) {
            while case .send = turn {
                outbox.move(into: &output)
                guard outbox.isEmpty, output.freeCapacity >= Self.longestAnswer,
                    work.spent < Self.maxPerTurn
                else {
                    turn = .more
                    break
                }
                let (begin, room) = (offset, output.freeCapacity)
                let hasCome = try incoming.next(bytes, at: &offset) {
                    (arrival, payload) throws(StreamError) in
                    turn = try take(arrival, payload, objection, &output)
                }
                work.spent += offset - begin + room - output.freeCapacity + Self.frame
                guard hasCome else { break }
            }
        } catch {
            failure = error
            let refusal = Refusal(.malformed, error.sentence)
            host.refused("", refusal)
            output.append(contentsOf: refusal.frame.span)
            turn = .last
        }
        host.wroteReplies()
        switch turn {
        case .more: stream.readAhead = rest(bytes, from: offset) ?? []
        // What follows a run that must be asked for waits for its end.
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
        // A client that merely shows that it is there lets the session rest.
        case .ping: output.append(contentsOf: Self.pong.span)
        case .pong:
            // One that sends pongs unasked does not read what it was sent, and may not have its
            // answers yet.
            if !awaitsPong { channel.noteActivity() }
            awaitsPong = false
        case .input, .inputEnd, .cancel, .noted: channel.noteActivity()
        }
        return .send
    }

    /// Gives the fixed reply that a run without arguments asks for, without copying its name; nil
    /// if it asks for something else.
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
        work.spent += Self.slowAnswer
        let wasCancelled = incoming.takeCancel()
        switch reading {
        case .request(let request):
            if request.arguments.isEmpty, !wasCancelled, objection == nil,
                let reply = host.replies.find(Array(request.name.utf8).span)
            {
                host.replied(Array(request.name.utf8).span)
                outbox = reply.frames
                outbox.move(into: &output)
                return reply.closes ? .last : .send
            }
            next = Asked(request: request, wasCancelled: wasCancelled)
            return .last
        case .tooLarge(let name): refuse(name, .tooLarge(name))
        case .notText(let word, let name): refuse(name, .notText(word, of: name))
        }
        outbox.move(into: &output)
        return .send
    }

    private func refuse(_ name: String, _ refusal: Refusal) {
        host.refused(name, refusal)
        outbox = refusal.frame
    }

    /// The unread part of `bytes`, in front of what is already read ahead.
    private func rest(_ bytes: Span<UInt8>, from offset: Int) -> [UInt8]? {
        guard offset < bytes.count else { return stream.readAhead }
        return Array(bytes.extracting(droppingFirst: offset)) + (stream.readAhead ?? [])
    }

    private func ping() -> [UInt8] {
        awaitsPong = true
        return [FrameType.ping.rawValue, 0, 0, 0]
    }

    private static var pong: [UInt8] { [FrameType.pong.rawValue, 0, 0, 0] }
    /// How much one session may do in a turn of the loop, in bytes received and sent: about half a millisecond. A
    /// client that asks for more continues in the next turn, after the others.
    static var maxPerTurn: Int { 262_144 }
    /// What a frame costs, however short it is.
    static var frame: Int { 32 }
    /// What an answer that takes more than a look-up costs beyond its bytes. It may be a refusal, which is reported to
    /// the broker and recorded.
    static var slowAnswer: Int { 4_096 }
    /// A refusal, or a fixed reply as long as a message, with its exit.
    private static var longestAnswer: Int { 2_048 }
}
