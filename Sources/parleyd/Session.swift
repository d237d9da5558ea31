// One connection, from accept to close.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Console
internal import Conversations
internal import Remote
internal import Serving
internal import Sockets
internal import System
internal import TLS
internal import Vouching

/// Performs the handshake, serves the conversation, and tells the log and the audit trail how it
/// went. Confined to its loop, which makes one call at a time and decides in between.
///
/// A session that waits for a message has no task, or holds no more than a task's first kilobyte. So the
/// one call that is suspended meanwhile is `serve`, and what need not suspend is in separate calls.
final class Session {
    private let house: House
    private let channel: Channel
    private var stream: any ByteStream
    /// Who forwards the connection, if it has named its client.
    private var balancer: SocketAddress?
    /// Nil for plaintext, and until the client's first byte can be read: it is most of a session's memory.
    private var tls: TLSStream?
    /// Its place at the door; nil once the handshake is finished.
    private var visit: Visit?
    /// Its number among the sessions of all loops, in the audit trail.
    private let number: Int
    private let openedAt: Moment
    /// The generation of the policy whose context the handshake began with.
    private var generation = 0
    /// Nil for a client without a certificate, and until the client is known.
    private var standing: Standing?
    private var stage = SessionStage.opening
    /// Why there is no place for it, if its client has shown who it is.
    private var turnedAway: Refusal?
    /// How it ended; `refused` until it is served.
    private(set) var outcome = SessionOutcome.refused
    /// Its identification at the broker.
    private let handle: Handle
    /// Nil if there is nothing to record or run.
    private let link: SessionLink?

    init(_ channel: Channel, number: Int, _ visit: Visit?, in house: House) {
        self.channel = channel
        self.visit = visit
        self.number = number
        self.house = house
        openedAt = channel.loop.now
        handle = house.makeHandle()
        link = house.link(handle)
        stream = PlainStream(channel)
        channel.enter(visit == nil ? .idle : .handshake)
    }

    /// Whether it is a parley/1 session, which may wait for a program.
    var isRemote: Bool { if case .remote = stage { true } else { false } }

    /// Whether it could end now without its client missing anything: every message that has come has its
    /// reply, and every reply was taken. If a program may run in it, it must be known that none does.
    var isNothingDue: Bool { stage.isNothingDue(on: stream) }

    // MARK: Its beginning

    /// Performs the handshake.
    ///
    /// - Returns: whether it may be served.
    func shakesHands() async -> Bool {
        guard let visit else { return true }
        do throws(StreamError) {
            if visit.isBalancers {
                try await channel.untilReceivable()
                try checkForAWord()
                let sender = channel.peer
                let isNamed = try await channel.takeProxyHeader()
                if isNamed { balancer = sender }
                try house.door.name(visit, isNamed ? channel.peer : nil)
                if !isNamed, house.context == nil, house.conversation != .greeting {
                    // Else a health check would be a session.
                    try await channel.untilReceivable()
                    try checkForAWord()
                }
            }
            if house.context != nil {
                // A silent stranger costs none of OpenSSL's memory.
                try await channel.untilReceivable()
                try beginTLS()
                house.door.hear(visit)
                try await tls?.handshake()
                try proveClient()
                try checkUnderNewPolicy()
            } else {
                channel.enter(.idle)
            }
            try house.door.settle(visit)
            (self.visit, stage) = (nil, .beginning)
            return true
        } catch {
            outcome = .handshakeFailed(error)
            return false
        }
    }

    private func checkForAWord() throws(StreamError) {
        guard !channel.hasHungUp || channel.unread > 0 else { throw TLSStream.leftWithoutAWord }
    }

    private func beginTLS() throws(StreamError) {
        try checkForAWord()
        guard let context = house.context, let notary = house.notary else { return }
        generation = house.policy.generation
        let tls = try TLSStream(server: context, over: channel)
        tls.transcript = notary.transcript(handle, asksClient: context.asksForClients)
        self.tls = tls
        stream = tls
    }

    /// Its place was given to another connection.
    func giveWay() { channel.fail(house.door.fault(.gaveWay)) }

    /// A client may prove who it is and hold back the end of its handshake until after a reload.
    private func checkUnderNewPolicy() throws(StreamError) {
        guard generation != house.policy.generation, tls?.peerIdentity != nil,
            let failure = house.notary?.objection(to: handle)
        else { return }
        throw failure
    }

    /// Begins its conversation, after a handshake that succeeded.
    ///
    /// - Parameter ended: called at the end of one that takes no task.
    /// - Returns: what must be served in a task; nil for one that the loop answers by itself.
    func begin(ended: @escaping () -> Void) -> Dialogue? {
        link?.begin(
            number: number, address: address, balancer: balancer?.description,
            conversation: tls?.applicationProtocol ?? house.conversation.rawValue)
        standing = tls.flatMap { house.standing(of: $0, since: openedAt, as: handle) }
        switch house.conversation {
        case .hello: return .exchange(.hello)
        case .greeting: return .exchange(.greeting)
        case .chat: return .exchange(.chat)
        case .command: break
        }
        guard let tls, let standing, let link, tls.applicationProtocol == remoteProtocol else {
            answerMessages(ended)
            return nil
        }
        return .commands(RemoteServer(tls, host: SessionHost(house, standing, link)))
    }

    /// Makes the broker verify that the client made the handshake, and take a place for the session. In TLS 1.2 this
    /// proves nothing, and the client has no identity there except for its place.
    private func proveClient() throws(StreamError) {
        guard let tls else { return }
        turnedAway = try house.notary?.prove(tls.takeProof(), of: handle)
        guard let turnedAway else { return }
        throw StreamError(
            .turnedAway, turnedAway.sentence + (turnedAway.limit.map { " (\($0.word))" } ?? ""))
    }

    private var address: String { channel.peer?.description ?? "" }

    /// Whether a balancer has named no client, before the end of the handshake.
    private var isBalancersOwn: Bool { visit?.isBalancers == true && balancer == nil }

    // MARK: Its course

    private func answerMessages(_ ended: @escaping () -> Void) {
        stage = .messages
        Command.serve(
            stream,
            replies: { [unowned self] () throws(StreamError) in
                try checkStanding()
                return house.replies.messages
            }, transcript: house.lines,
            answered: house.commons.settings.isRecorded
                ? { [link] in link?.noteMessage($0, isKnown: $1) } : nil,
            ended: { [unowned self] result in
                outcome = SessionOutcome(result)
                ended()
            })
    }

    /// Ends a conversation that has no task.
    func cancel() { channel.cancel() }

    /// Serves a conversation to its end.
    func serve(_ dialogue: Dialogue) async {
        do throws(StreamError) {
            switch dialogue {
            case .exchange(let exchange): outcome = .messages(try await serve(exchange))
            case .commands(let remote):
                stage = .remote(remote)
                try await remote.serve()
                outcome = .commands(remote.answered)
            }
        } catch {
            outcome = .failed(error)
        }
    }

    private func serve(_ exchange: Dialogue.Exchange) async throws(StreamError) -> Int {
        let check: () throws(StreamError) -> Void = { [unowned self] () throws(StreamError) in
            try checkStanding()
        }
        switch exchange {
        case .hello:
            stage = .messages
            return try await Hello.serve(stream, transcript: house.lines, check: check)
        case .greeting:
            stage = .messages
            return try await Greeting.serve(stream, transcript: house.lines)
        case .chat:
            // A client that waits for the operator is not idle through its own doing.
            channel.clearDue()
            stage = .queued
            try await house.operatorTurn.enter(while: stream)
            defer { house.operatorTurn.leave() }
            channel.enter(.idle)
            stage = .messages
            return try await Chat.serve(
                stream, transcript: house.console, check: check,
                asks: { [unowned self] in stage = $0 ? .asking : .messages })
        }
    }

    /// Checked at each message, since certificates are revoked and expire while sessions are open.
    /// Messages have no refusals, so the session ends instead of replying.
    private func checkStanding() throws(StreamError) {
        guard let refusal = standing?.objection else { return }
        link?.noteRefusal(refusal, of: nil)
        throw StreamError(
            .notAllowedAnyMore, "it was ended instead of replying: \(refusal.sentence)")
    }

    // MARK: Its end

    /// Tells the trail how it ended. First, since notifying a peer may take a while.
    func recordEnd() {
        stage = .closing
        switch outcome {
        case .refused: log(outcome.words)
        case .handshakeFailed(let error):
            // A balancer's health check comes every few seconds.
            if isBalancersOwn, outcome.isOnlyAKnock { return }
            let isTold = visit.map { house.door.tells(error.code, of: $0) } ?? true
            if isTold { log(outcome.words) }
            // An identity has a budget of its own in the trail.
            guard isTold || turnedAway != nil else { return }
            // So does one that sends no PROXY protocol.
            guard !outcome.isOnlyAKnock else { return }
            link?.fail(
                number: number, address: address, balancer: balancer?.description,
                code: error.code.rawValue, reason: error.told)
        case .messages, .commands, .failed:
            link?.end(
                reason: outcome.reason, bytesIn: channel.received, bytesOut: channel.sent,
                duration: channel.loop.now - openedAt, hasFailed: outcome.isFailure)
        }
    }

    /// Tells the peer that it is over, and then the log.
    func close() async {
        if let turnedAway { return await tell(turnedAway) }
        if outcome.canBeTold { await stream.close() }
        if outcome.wasServed { logEnd() }
    }

    /// Tells the peer why there is no place for it. Being told must not let anybody hold more connections than there
    /// is room for, so while many are being told, the next ones just see the connection close.
    private func tell(_ refusal: Refusal) async {
        let commons = house.commons
        guard commons.census.tellingBegins(limit: commons.settings.maxTurnedAway) else { return }
        defer { commons.census.tellingEnds() }
        // Nothing was sent yet, so the socket takes it whole. Messages have no refusals.
        if let tls, tls.applicationProtocol == remoteProtocol {
            _ = try? tls.attemptWrite(refusal.frame.span)
        }
        await stream.close()
    }

    /// Its connection is closed. The last call.
    func leave() {
        if let visit { house.door.leave(visit) }
        let isTold = link?.close() ?? false
        if tls != nil { house.notary?.leave(handle, isTold: isTold) }
    }

    private func logEnd() {
        let suspicion = tls == nil ? outcome.suspicion(of: channel) : ""
        log("\(outcome.words), \((channel.loop.now - openedAt).seconds(decimals: 3)) s\(suspicion)")
    }

    private func log(_ text: String) {
        house.log.write("\(channel.name(with: tls, via: balancer)): \(text)")
    }
}
