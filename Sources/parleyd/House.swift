// What the sessions of one loop share.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Console
internal import Conversations
internal import Serving
internal import Sockets
internal import System
internal import TLS
internal import Vouching

/// Where a session finds what isn't its own. Nothing in it leads to the loop's other sessions, or to
/// the server. Confined to its loop.
final class House {
    let loop: EventLoop
    let commons: Commons
    let conversation: Conversation
    let log: Log
    /// Where an operator is asked.
    let console: ConsoleTranscript
    /// Where console lines go; nil with `--quiet`.
    let lines: ConsoleTranscript?
    /// Chat has one operator.
    let operatorTurn: Turnstile
    /// What is in force.
    private(set) var policy: Policy
    /// The policy's fixed replies. Each loop has its own, since counting references to one that all
    /// share would have the cores take its cache lines from each other at every reply.
    private(set) var replies: FixedReplies
    /// Who signs for the sessions and knows their clients; nil for plaintext.
    let notary: NotaryLink?
    /// What connections are accepted with; nil for plaintext.
    private(set) var context: TLSContext?
    private let broker: BrokerLink

    init(
        _ commons: Commons, loop: EventLoop, console: ConsoleTranscript, log: Log, policy: Policy,
        broker: BrokerLink, notary: NotaryLink?
    ) throws(CredentialError) {
        self.loop = loop
        self.commons = commons
        self.broker = broker
        self.notary = notary
        self.log = log
        self.console = console
        self.policy = policy
        conversation = commons.options.conversation
        lines = commons.options.isQuiet ? nil : console
        operatorTurn = Turnstile(loop: loop)
        replies = FixedReplies(policy.table)
        context = try Self.context(policy, notary)
    }

    /// A context whose key and trust are the broker's.
    private static func context(
        _ policy: Policy, _ notary: NotaryLink?
    ) throws(CredentialError) -> TLSContext? {
        guard let face = policy.face, let notary else { return nil }
        return try TLSContext(
            server: face, key: RemoteKey(number: Int(policy.key), signer: notary), verifier: notary)
    }

    /// From here on another policy is in force, for open sessions as well.
    func enforce(_ policy: Policy) {
        if policy.key != self.policy.key {
            do throws(CredentialError) {
                context = try Self.context(policy, notary)
            } catch {
                log.write("connections are still accepted with the old certificate: \(error.told)")
            }
        }
        self.policy = policy
        replies = FixedReplies(policy.table)
    }

    /// What a connection is known by at the broker.
    func makeHandle() -> Handle { broker.makeHandle() }

    /// A connection's way to the broker, where it may have anything to say there.
    func link(_ handle: Handle) -> SessionLink? {
        let options = commons.options
        guard options.audit != nil || options.security?.asksForClients == true else { return nil }
        return broker.open(handle)
    }
}
