// What the sessions of one loop share, in the network process.
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

/// Where a session finds what isn't its own. Nothing in it leads to the loop's other sessions or to
/// the server. Confined to its loop.
final class House {
    let loop: EventLoop
    let commons: Commons
    let conversation: Conversation
    let log: Log
    /// Where the operator is asked for lines.
    let console: ConsoleTranscript
    /// Where console lines go; nil with `--quiet`.
    let lines: ConsoleTranscript?
    /// A chat has one operator.
    let operatorTurn: Turnstile
    /// What is in force.
    private(set) var policy: NetworkPolicy
    /// The policy's fixed replies. Each loop has its own copy, because counting references to a
    /// shared one would make the cores take its cache lines from each other at every reply.
    private(set) var replies: FixedReplies
    let answers = SharedAnswers()
    /// Signs for the sessions and knows their clients; nil for plaintext.
    let notary: NotaryLink?
    /// The context for accepting connections; nil for plaintext.
    private(set) var context: TLSContext?
    private let broker: BrokerLink
    /// The first thing that strangers meet.
    let door: Doorkeeper

    init(
        _ commons: Commons, loop: EventLoop, console: ConsoleTranscript, log: Log,
        broker: BrokerLink, notary: NotaryLink?
    ) throws(CredentialError) {
        let settings = commons.settings
        let policy = settings.policy
        self.loop = loop
        self.commons = commons
        self.broker = broker
        self.notary = notary
        self.log = log
        door = Doorkeeper(commons, loop: loop, log: log, broker: broker)
        self.console = console
        self.policy = policy
        conversation = settings.conversation
        lines = settings.isQuiet ? nil : console
        operatorTurn = Turnstile(loop: loop)
        replies = FixedReplies(policy.replies)
        context = try Self.context(policy, notary, commons.keyLog)
    }

    /// A context whose key and trust are in the broker.
    private static func context(
        _ policy: NetworkPolicy, _ notary: NotaryLink?, _ keyLog: KeyLog?
    ) throws(CredentialError) -> TLSContext? {
        guard var face = policy.face, let notary else { return nil }
        face.options.keyLog = keyLog
        return try TLSContext(
            server: face, key: RemoteKey(number: Int(policy.key), signer: notary), verifier: notary)
    }

    /// Returns once the signing side has answered this loop.
    func showLife() { notary?.showLife() }

    /// Puts another policy in force, for open sessions as well.
    func enforce(_ policy: NetworkPolicy) {
        if policy.key != self.policy.key {
            do throws(CredentialError) {
                context = try Self.context(policy, notary, commons.keyLog)
            } catch {
                log.write("still accepting connections with the old certificate: \(error.told)")
            }
        }
        self.policy = policy
        replies = FixedReplies(policy.replies)
        notary?.forgetChains()
    }

    /// What identifies a connection at the broker.
    func makeHandle() -> Handle { broker.makeHandle() }

    /// A connection's link to the broker, if it may have anything to say there.
    func link(_ handle: Handle) -> SessionLink? {
        let settings = commons.settings
        guard settings.isRecorded || settings.asksForClients else { return nil }
        return broker.open(handle)
    }

    /// What becomes of a client's certificate during its session; nil for a client without one.
    func standing(of tls: TLSStream, since openedAt: Moment, as handle: Handle) -> Standing? {
        guard let identity = tls.peerIdentity, let notary else { return nil }
        // In a remote session its desk does that.
        let isTold = tls.applicationProtocol == remoteProtocol
        return Standing(
            identity, generation: policy.generation, log: isTold ? nil : log,
            isTooOld: { [self] in loop.now - openedAt >= commons.settings.maxSessionAge },
            inForce: { [self] in policy.generation },
            verify: { notary.objection(to: handle) })
    }

    /// Whether another connection may be accepted.
    var mayAccept: Bool { broker.keepsUp }

    /// The server is shutting down and this many connections are left.
    func say(connections: Int) { broker.say(connections: connections) }
}
