// A proof whose chain nobody has asked about before.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import COpenSSL
internal import Sockets
internal import System
internal import Testing

@testable internal import TLS
@testable internal import TestSupport
@testable internal import Vouching

/// What an owned network process gets by leaving the question about the chain out: nothing that the question
/// wouldn't have got it.
@Suite(.timeLimit(.minutes(3)))
struct ProofWithChainTests {
    let ends: ProofEnds

    init() throws { ends = try .shared }

    private func network(_ kind: KeyKind = .p256) throws -> OwnedNetwork {
        let network = try OwnedNetwork(ends.server(kind))
        network.asksForChains = false
        return network
    }

    @Test(arguments: [KeyKind.p256, .rsa, .ed25519])
    func proof_bringsItsChain(_ kind: KeyKind) throws {
        let network = try network(kind)
        for (handle, role) in [(1, "client"), (2, "chained")] as [(Handle, String)] {
            let made = try network.made(ends.client(.p256, as: role), as: handle)
            #expect(network.clients[handle] == nil)
            #expect(try network.ask(made.proof) == .proven)
            let proven = try #require(network.clients[handle]?.proven)
            #expect(proven.leaf.serial == (try made.leaf).serial)
            #expect(try network.ask(StandingCall(handle: handle)).isAccepted)
            // Each step is taken once, the chain's too.
            #expect(try network.ask(made.chain).failureCode == .certificateInvalid)
            #expect(try isRefused(network.ask(made.proof)))
        }
        expectEmptyErrorQueue()
    }

    /// It is refused as the question would have been.
    @Test func chainThatIsNotAccepted_isNamed() throws {
        let asking = try OwnedNetwork(ends.server(.p256))
        let network = try network()
        let made = try network.made(ends.client(.p256))
        for one in [asking, network] {
            try one.ring.use(CertificateFixture.shared.server(), number: 1)
        }
        let pair = try asking.pair(ends.client(.p256))
        pair.handshake()
        guard case .objection(let code, let failure) = try network.ask(made.proof) else {
            Issue.record("it is accepted")
            return
        }
        #expect(asking.lastVerdict == .objection(code: code, failure: failure))
        #expect(failure.code == .unknownCA && pair.server.failure == failure)
        #expect(network.clients.count == 0)
        // Nor does another attempt get any further.
        #expect(try isRefused(network.ask(made.proof)))
        #expect(try network.ask(made.chain).failureCode == .certificateInvalid)
        #expect(network.clients.count == 0)
        expectEmptyErrorQueue()
    }

    /// It doesn't matter what was accepted before: what the broker knows of a chain is of one reading.
    @Test func chainThatWasAcceptedBefore_isVerifiedUnderWhatIsInForce() throws {
        let network = try network()
        #expect(try network.ask(network.made(ends.client(.p256), as: 1).proof) == .proven)
        let second = try network.made(ends.client(.p256), as: 2)
        try network.ring.use(CertificateFixture.shared.server(), number: 1)
        guard case .objection(_, let failure) = try network.ask(second.proof) else {
            Issue.record("it is accepted")
            return
        }
        #expect(failure.code == .unknownCA)
        #expect(network.clients[2] == nil)
    }

    @Test func anothersChainOrSignature_provesNobody() throws {
        let network = try network()
        let mine = try network.made(ends.client(.p256), as: 1)
        var theirs = try network.made(ends.client(.p256, as: "other"), as: 2)
        theirs.proof.handle = 1
        #expect(try isRefused(network.ask(theirs.proof)))
        #expect(try isRefused(network.ask(mine.proof)))
        // Another certificate than the one that was signed with, which is good as well.
        let third = try network.made(ends.client(.p256), as: 3)
        let finished = third.proof.messages.prefix(4 + Int(third.proof.messages[3]))
        let mixed =
            Array(finished) + theirs.chain.certificate
            + third.proof.messages.dropFirst(finished.count + third.chain.certificate.count)
        #expect(try isRefused(network.ask(ProofCall(handle: 3, messages: mixed))))
        #expect(network.clients.count == 0)
        expectEmptyErrorQueue()
    }

    /// Wherever it ends, and whatever is not a Certificate in its place.
    @Test func messagesThatArentAProof_proveNobody() throws {
        let network = try network()
        let client = try ends.client(.p256)
        // The first message is the Finished of the server.
        let end = try 4 + Int(network.made(client, as: 1).proof.messages[3])
        for kept in [0, 1, 4, end - 1, end, end + 1, end + 4, end + 5] {
            var made = try network.made(client, as: 2)
            made.proof.messages = Array(made.proof.messages.prefix(kept))
            #expect(try isRefused(network.ask(made.proof)), "\(kept)")
        }
        // A signature by an EC key has another length each time.
        var short = try network.made(client, as: 2)
        short.proof.messages.removeLast()
        #expect(try isRefused(network.ask(short.proof)))
        var made = try network.made(client, as: 2)
        made.proof.messages.swapAt(0, end)
        #expect(try isRefused(network.ask(made.proof)))
        #expect(network.clients.count == 0)
    }

    @Test func proofThatIsLate_orWhoseServerAsksNobody_isRefused() throws {
        let late = try network()
        let made = try late.made(ends.client(.p256))
        late.now = late.now + .seconds(11)
        #expect(try isRefused(late.ask(made.proof)))
        let network = try OwnedNetwork(ends.server(.p256, asksClient: false))
        try network.pair(ends.client(.p256)).establish()
        #expect(try isRefused(network.ask(made.proof)))
        #expect(late.clients.count + network.clients.count == 0)
    }

    /// TLS 1.2 has no proof, so that its chain is asked about always.
    @Test func tls12_isNobody_withoutTheQuestion() throws {
        let network = try OwnedNetwork(ends.server(.p256, minimum: .tls12))
        network.asksForChains = false
        let client = try ends.client(.p256) { $0.limit(to: TLS1_2_VERSION) }
        try network.pair(client).establish()
        var proof = try network.made(ends.client(.p256), as: 2).proof
        proof.handle = 1
        #expect(try isRefused(network.ask(proof)))
        #expect(network.clients.count == 0)
        #expect(try network.ask(StandingCall(handle: 1)).failureCode != nil)
    }

    private func isRefused(_ answer: ProofCall.Answer) -> Bool {
        if case .refused = answer { true } else { false }
    }
}

extension OwnedNetwork.Made {
    /// The client's certificate.
    fileprivate var leaf: Certificate {
        get throws { try ClientChain(chain.certificate).certificates()[0] }
    }
}
