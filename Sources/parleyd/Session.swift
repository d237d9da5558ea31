// One connection, from accept to close.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Conversations
internal import Records
internal import Remote
internal import Serving
internal import Sockets
internal import TLS

/// Shakes hands, serves the conversation, and tells the log and the audit trail how it went.
/// Confined to its loop.
///
/// A task's first kilobyte is all that a session that waits for a message should hold. So the one
/// call that is suspended meanwhile is `run`, and what need not suspend stands in calls beside it.
final class Session: @unchecked Sendable {
    private let worker: LoopServer
    private let channel: Channel
    /// Of all loops, in the audit trail.
    private let number: Int
    /// Among its loop's.
    private let place: Int
    private let openedAt: UInt64
    /// Nil for plaintext.
    private var tls: TLSStream?
    /// Whether it came further than the handshake.
    private var hasBegun = false
    /// Of the policy whose context the handshake began with.
    private var generation = 0
    /// Nil for a client without a certificate, and until it is known.
    private var standing: Standing?
    private var stage = Stage.opening
    /// Nil where no records are kept, and until the peer is known.
    private var trail: Recorder?
    private var task: Task<Void, Never>?

    /// How far it has come; what is due to the client depends on it.
    private enum Stage {
        /// The handshake: nothing was asked yet.
        case opening
        /// In the queue before the operator; a question that came meanwhile is read ahead.
        case queued(any ByteStream)
        case messages
        /// A person is asked for the reply to the last message.
        case asking
        /// It has rules of its own.
        case remote
        case closing
    }

    init(_ channel: Channel, number: Int, place: Int, worker: LoopServer) {
        self.channel = channel
        self.number = number
        self.place = place
        self.worker = worker
        openedAt = channel.loop.now
    }

    func start() {
        // Not by the loop's `spawn`, whose generic call would stay suspended below `run`.
        task = Task(executorPreference: channel.loop) { await self.run() }
    }

    /// Ends what is under way as soon as it has told the peer.
    func cancel() { task?.cancel() }

    /// Ends a session of messages in which nothing is due to the client: no message has come that has
    /// no reply, and no reply waits to be taken.
    func endIfNothingIsDue() {
        switch stage {
        case .opening: if channel.unread == 0 { cancel() }
        case .queued(let stream):
            if stream.readAhead == nil, channel.unread == 0 { cancel() }
        case .messages: if !channel.owesPeer, channel.unread == 0 { cancel() }
        case .asking, .remote, .closing: break
        }
    }

    /// Ends a remote session, of which no command runs, once nothing is due to the client.
    func endRemoteIfNothingIsDue() {
        guard case .remote = stage, !channel.owesPeer, channel.unread == 0 else { return }
        cancel()
    }

    private func run() async {
        if let stream = open() {
            var outcome = SessionOutcome.refused
            do throws(StreamError) {
                try await tls?.handshake()
                try checkUnderNewPolicy()
                switch begin() {
                case .nothing: break
                case .exchange: outcome = .messages(try await exchange(over: stream))
                case .messages:
                    outcome = .messages(
                        try await Command.serve(
                            stream,
                            replies: { [unowned self] () throws(StreamError) in
                                try checkStanding()
                                return worker.replies.messages
                            }, transcript: worker.lines,
                            answered: trail.map { trail in { trail.noteMessage($0, isKnown: $1) } }
                        ))
                case .commands(let remote):
                    try await remote.serve()
                    outcome = .commands(remote.answered)
                }
            } catch {
                outcome = hasBegun ? .failed(error) : .handshakeFailed(error)
            }
            stage = .closing
            recordEnd(outcome)
            if outcome.canBeTold { await stream.close() }
            logEnd(outcome)
        }
        task = nil
        worker.ended(at: place)
    }

    // MARK: Its beginning

    /// - Returns: nil where it can't be had.
    private func open() -> (any ByteStream)? {
        guard let context = worker.policy.context else {
            channel.enter(.idle)
            return PlainStream(channel)
        }
        do throws(StreamError) {
            tls = try TLSStream(server: context, over: channel)
            tls?.contextInForce = { [worker] in worker.policy.context }
            generation = worker.policy.generation
        } catch {
            log("refused: \(error)")
        }
        return tls
    }

    /// A client may prove who it is, and hold back the end of its handshake over a reload.
    private func checkUnderNewPolicy() throws(StreamError) {
        guard let tls else { return }
        tls.contextInForce = nil
        guard generation != worker.policy.generation, tls.peerIdentity != nil,
            let context = worker.policy.context, let failure = tls.objection(under: context)
        else { return }
        throw failure
    }

    /// What is served.
    private enum Dialogue {
        case nothing
        /// A message or two, or an operator's.
        case exchange
        case messages
        case commands(RemoteServer<TLSStream>)
    }

    private func begin() -> Dialogue {
        hasBegun = true
        guard worker.takeSession() else { return .nothing }
        takeUpTrail()
        if let trail {
            var record = trail.record("session-start")
            record.add("protocol", tls?.applicationProtocol ?? worker.options.conversation.rawValue)
            trail.write(record)
        }
        if let tls, let identity = tls.peerIdentity {
            standing = Standing(tls, identity, worker: worker)
        }
        guard worker.options.conversation == .command else { return .exchange }
        guard let tls, let standing, tls.applicationProtocol == remoteProtocol else {
            stage = .messages
            return .messages
        }
        stage = .remote
        let desk = CommandDesk(tls, standing, worker: worker, trail: trail)
        worker.openedDesk(at: place)
        return .commands(RemoteServer(tls, host: desk))
    }

    private func takeUpTrail() {
        trail = worker.trail(number: number, of: channel, identity: tls?.peerIdentity)
    }

    // MARK: Its course

    private func exchange(over stream: any ByteStream) async throws(StreamError) -> Int {
        let check: () throws(StreamError) -> Void = { [unowned self] () throws(StreamError) in
            try checkStanding()
        }
        switch worker.options.conversation {
        case .hello:
            stage = .messages
            return try await Hello.serve(stream, transcript: worker.lines, check: check)
        case .greeting:
            stage = .messages
            return try await Greeting.serve(stream, transcript: worker.lines)
        case .chat, .command:
            // Who waits for the operator is not idle by its own doing.
            channel.clearDue()
            stage = .queued(stream)
            try await worker.operatorTurn.enter(while: stream)
            defer { worker.operatorTurn.leave() }
            channel.enter(.idle)
            stage = .messages
            return try await Chat.serve(
                stream, transcript: worker.transcript, check: check,
                asks: { [unowned self] in stage = $0 ? .asking : .messages })
        }
    }

    /// Asked at each message, since certificates are revoked and expire while sessions are open.
    /// Messages have no refusals, so that the session ends in place of the reply.
    private func checkStanding() throws(StreamError) {
        guard let refusal = standing?.objection else { return }
        trail?.writeOften("refusal") { record in
            record.add("code", String(describing: refusal.code))
            record.add("reason", refusal.sentence)
        }
        throw StreamError(
            .notAllowedAnyMore, "it was ended instead of a reply: \(refusal.sentence)")
    }

    // MARK: Its end

    private func recordEnd(_ outcome: SessionOutcome) {
        worker.closedDesk(at: place)
        switch outcome {
        case .refused: log(outcome.words)
        case .handshakeFailed(let error):
            log(outcome.words)
            // A balancer's health check comes every few seconds.
            guard !outcome.isOnlyAKnock else { return }
            takeUpTrail()
            guard let trail else { return }
            var record = trail.record("handshake-failure")
            record.add("code", error.code.rawValue)
            record.add("reason", error.description)
            trail.write(record)
        case .messages, .commands, .failed:
            if case .failed(let error) = outcome, error.code == .operatorLeft {
                worker.drainServer()
            }
            guard let trail else { return }
            var record = trail.record("session-end")
            record.add("reason", outcome.reason)
            record.add("bytes_in", channel.received)
            record.add("bytes_out", channel.sent)
            record.add("seconds", nanoseconds: channel.loop.now - openedAt)
            trail.write(record)
        }
    }

    private func logEnd(_ outcome: SessionOutcome) {
        switch outcome {
        case .refused, .handshakeFailed: return
        case .messages, .commands, .failed: break
        }
        var isMixedUp = tls == nil && channel.speaksTLS
        if case .failed(let failure) = outcome, failure.code == .peerSpeaksTLS { isMixedUp = false }
        var suspicion = isMixedUp ? "; the client spoke TLS to this plaintext port" : ""
        if tls == nil, channel.beginsWithProxyHeader {
            suspicion =
                "; it began with a PROXY protocol header, which this server takes for a message: turn it off at the balancer that sends it"
        }
        log("\(outcome.words), \(channel.loop.time(since: openedAt))\(suspicion)")
        if worker.options.isOnce { worker.endServer() }
    }

    private func log(_ text: String) {
        worker.log.write("\(channel.name(with: tls)): \(text)")
    }
}

extension StreamError.Code {
    /// What the session's client may do has changed since its handshake.
    static let notAllowedAnyMore = Self(rawValue: "notAllowedAnyMore")
}
