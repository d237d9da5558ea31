// What whoever owns a network process gets of a broker, and what not.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import COpenSSL
internal import Sockets
internal import System
internal import Testing

@testable internal import TLS
@testable internal import TestSupport
@testable internal import Vouching

@Suite(.timeLimit(.minutes(3)))
struct NotaryTests {
    let ends: ProofEnds

    init() throws { ends = try .shared }

    // MARK: What is given

    @Test(arguments: [KeyKind.p256, .p384, .rsa, .pss, .ed25519, .ed448])
    func handshake_provesItsClient(_ kind: KeyKind) throws {
        let network = try OwnedNetwork(ends.server(kind))
        let made = try network.made(ends.client(.p256))
        #expect(network.clients.count == 0)
        #expect(try network.ask(made.proof) == .proven)
        let client = try #require(network.clients[1])
        let proven = try #require(client.proven)
        #expect(proven.identity.description == "email:alice@example.org")
        #expect(proven.speaks("parley/1"))
        #expect(try network.ask(StandingCall(handle: 1)).isAccepted)
        expectEmptyErrorQueue()
    }

    @Test func serverThatAsksNobody_isSignedFor() throws {
        let network = try OwnedNetwork(ends.server(.p256, asksClient: false))
        try network.pair(ends.client(.p256)).establish()
        #expect(network.last.signature?.nonce == nil)
        let chain = try OwnedNetwork(ends.server(.p256)).made(ends.client(.p256)).chain
        #expect(try network.ask(chain).failureCode == .certificateInvalid)
        #expect(network.clients.count == 0)
    }

    /// Whoever connected for another protocol has asked for no commands.
    @Test func clientWithoutTheProtocol_isProved_andSpeaksNone() throws {
        let network = try OwnedNetwork(ends.server(.p256))
        let made = try network.made(ends.client(.p256, speaking: []))
        #expect(try network.ask(made.proof) == .proven)
        #expect(network.clients[1]?.proven?.speaks("parley/1") == false)
    }

    @Test(arguments: [KeyKind.p256, .rsa, .ed25519])
    func tls12_isSigned_andProvesNobody(_ kind: KeyKind) throws {
        let network = try OwnedNetwork(ends.server(kind, minimum: .tls12))
        let client = try ends.client(.p256) { $0.limit(to: TLS1_2_VERSION) }
        let pair = try network.pair(client)
        try pair.establish()
        #expect(pair.server.stream.version == "TLSv1.2")
        #expect(pair.server.stream.takeProof() == nil)
        #expect(try network.ask(ProofCall(handle: 1, messages: [])) == .proven)
        let shown = try #require(network.clients[1])
        #expect(shown.proven == nil)
        #expect(try network.ask(StandingCall(handle: 1)).isAccepted)
        // A proof of another handshake makes nobody of it.
        let other = try network.made(ends.client(.p256), as: 2)
        var proof = other.proof
        proof.handle = 1
        #expect(try isRefused(network.ask(proof)))
        #expect(network.clients[1]?.proven == nil)
    }

    // MARK: Attacks

    /// All of an old handshake, to the byte: its nonce is used, and with a new one it isn't what was signed.
    @Test(arguments: [KeyKind.p256, .pss, .ed25519])
    func oldHandshake_provesNobody(_ kind: KeyKind) throws {
        let network = try OwnedNetwork(ends.server(kind))
        let made = try network.made(ends.client(.p256))
        #expect(try network.ask(made.proof) == .proven)
        for nonce in [made.signature.nonce, try network.ask(NonceCall()).nonce, nil] {
            var replay = made
            replay.signature.handle = 2
            replay.signature.nonce = nonce
            replay.chain.handle = 2
            replay.proof.handle = 2
            #expect(try network.ask(replay.signature).refusal?.contains("nonce") == true)
            #expect(try network.ask(replay.chain).failureCode == .certificateInvalid)
            #expect(try isRefused(network.ask(replay.proof)))
        }
        #expect(network.clients.count == 1)
    }

    /// Of a broker that was started again, whose key is the same.
    @Test(arguments: [KeyKind.p256, .ed25519])
    func handshakeOfAnotherBroker_provesNobody(_ kind: KeyKind) throws {
        let made = try OwnedNetwork(ends.server(kind)).made(ends.client(.p256))
        let network = try OwnedNetwork(ends.server(kind))
        #expect(try !network.ask(made.signature).isSigned)
        #expect(try isRefused(network.ask(made.proof)))
        #expect(network.clients.count == 0)
    }

    @Test func anotherServersHandshake_isNotSigned() throws {
        let theirs = try OwnedNetwork(ends.server(.rsa))
        let network = try OwnedNetwork(ends.server(.p256))
        theirs.alters = { $0.nonce = try? network.ask(NonceCall()).nonce }
        let pair = try theirs.pair(ends.client(.p256))
        pair.handshake()
        var call = try #require(theirs.last.signature)
        call.scheme = SignatureScheme.ecdsaP256SHA256.rawValue
        #expect(try !network.ask(call).isSigned)
    }

    @Test func stepsOfAnotherHandle_proveNobody() throws {
        let network = try OwnedNetwork(ends.server(.p256))
        let (first, second) = (
            try network.made(ends.client(.p256), as: 1),
            try network.made(ends.client(.p256, as: "other"), as: 2)
        )
        var mixed = second.proof
        mixed.handle = 1
        #expect(try isRefused(network.ask(mixed)))
        // The step was taken, and is not there any more.
        #expect(try isRefused(network.ask(first.proof)))
        mixed.handle = 3
        #expect(try isRefused(network.ask(mixed)))
        #expect(network.clients.count == 0)
        #expect(try network.ask(second.proof) == .proven)
    }

    @Test func stepsThatComeTwice_areRefused() throws {
        let network = try OwnedNetwork(ends.server(.p256))
        var made = try network.made(ends.client(.p256))
        #expect(try !network.ask(made.signature).isSigned)
        #expect(try network.ask(made.proof) == .proven)
        #expect(try isRefused(network.ask(made.proof)))
        #expect(network.clients.count == 1)
        // Also where it is a good one: the handle is somebody's.
        var next = SignatureCall(handle: 1, key: 0, nonce: nil, scheme: 0x0403, messages: [])
        next.nonce = try network.ask(NonceCall()).nonce
        #expect(try network.ask(next).refusal?.contains("already begun") == true)
        made = try network.made(ends.client(.p256), as: 2)
        #expect(try network.ask(made.chain).failureCode == .certificateInvalid)
        #expect(try isRefused(network.ask(made.proof)))
        #expect(network.clients.count == 1)
    }

    @Test func lateSteps_areRefused() throws {
        for isAfterChain in [false, true] {
            let network = try OwnedNetwork(ends.server(.p256))
            if isAfterChain {
                let made = try network.made(ends.client(.p256))
                network.now = network.now + .seconds(11)
                #expect(try isRefused(network.ask(made.proof)))
            } else {
                let pair = try network.pair(ends.client(.p256))
                pair.client.proceed()
                pair.server.proceed()
                network.now = network.now + .seconds(11)
                pair.handshake()
                #expect(pair.server.progress == .failed(.certificateInvalid))
            }
            #expect(network.clients.count == 0)
        }
    }

    @Test func whatIsDropped_isForgotten() throws {
        let network = try OwnedNetwork(ends.server(.p256))
        let made = try network.made(ends.client(.p256))
        _ = try network.ask(DropCall(handle: 1))
        #expect(try isRefused(network.ask(made.proof)))
        let again = try network.made(ends.client(.p256))
        #expect(try network.ask(again.proof) == .proven)
        _ = try network.ask(DropCall(handle: 1))
        #expect(network.clients.count == 0)
        #expect(try network.ask(StandingCall(handle: 1)).failureCode != nil)
    }

    // MARK: Bounds

    @Test func handshakesAndClients_haveABound() throws {
        let network = try OwnedNetwork(ends.server(.p256), maxHandshakes: 2, mostClients: 1)
        let client = try ends.client(.p256)
        let (first, second) = (try network.made(client, as: 1), try network.made(client, as: 2))
        let third = try network.pair(client, as: 3)
        third.handshake()
        #expect(third.server.progress == .failed(.noSignature))
        #expect(try network.ask(first.proof) == .proven)
        // The broker has no room, which is not the client's failure.
        let refused = try network.ask(second.proof)
        guard case .objection(_, let failure) = refused else {
            Issue.record("\(refused)")
            return
        }
        #expect(failure.code == .system)
        #expect(network.clients.count == 1)
        // Those that never come to an end make room.
        _ = (try network.made(client, as: 4), try network.made(client, as: 5))
        network.now = network.now + .seconds(11)
        _ = (try network.made(client, as: 6), try network.made(client, as: 7))
    }

    @Test func signatures_haveABudget() throws {
        let network = try OwnedNetwork(ends.server(.p256, asksClient: false), rate: 3)
        let client = try ends.client(.p256)
        for handle in 1...3 as ClosedRange<Handle> {
            try network.pair(client, as: handle).establish()
        }
        let pair = try network.pair(client, as: 4)
        pair.handshake()
        #expect(pair.server.progress == .failed(.noSignature))
        network.now = network.now + .seconds(1)
        try network.pair(client, as: 5).establish()
    }

    /// As many are good as handshakes can need, however many are asked for.
    @Test func nonces_haveABound() throws {
        var nonces = IssuedNonces(handshakes: 100)
        let first = try nonces.make()
        var last: [UInt8] = []
        for _ in 0..<199 { last = try nonces.make() }
        let taken = [first, last, last].map { nonces.take($0) }
        #expect(taken == [true, true, false])
        for _ in 0..<10_000 { last = try nonces.make() }
        #expect(nonces.count <= 264)
        let takenLater = [last, last].map { nonces.take($0) }
        #expect(takenLater == [true, false])
    }

    // MARK: What is signed

    @Test func onlyHandshakes_areSigned() throws {
        let network = try OwnedNetwork(ends.server(.p256, minimum: .tls12))
        let good = try network.made(ends.client(.p256)).signature
        var call = good
        for messages in [[], Array(good.messages.dropLast()), good.messages + [0]] as [[UInt8]] {
            call.handle += 1
            call.nonce = try network.ask(NonceCall()).nonce
            call.messages = messages
            #expect(try !network.ask(call).isSigned)
        }
        // A placeholder for TLS 1.3's content, and anything else.
        for content in [
            [UInt8](repeating: 0x20, count: 130), [UInt8](repeating: 0, count: 100), [],
        ] {
            call.handle += 1
            let exchange = KeyExchangeCall(
                handle: call.handle, key: 0, scheme: 0x0403, content: content)
            #expect(try !network.ask(exchange).isSigned)
        }
        // A key that there is not.
        call = good
        call.handle += 1
        call.key = 1
        #expect(try network.ask(call).refusal?.contains("replaced") == true)
    }

    @Test func keyExchange_isSigned_whereTLS12IsSpoken() throws {
        let old = try OwnedNetwork(ends.server(.p256, minimum: .tls12))
        try old.pair(ends.client(.p256) { $0.limit(to: TLS1_2_VERSION) }).establish()
        let call = try #require(old.last.keyExchange)
        #expect(
            try OwnedNetwork(ends.server(.p256)).ask(call).refusal?.contains("TLS 1.3 only") == true
        )
        var other = call
        other.handle = 2
        #expect(try old.ask(other).isSigned)
        other.handle = 3
        other.scheme = SignatureScheme.rsaPKCS1SHA256.rawValue
        #expect(try !old.ask(other).isSigned)
    }

    // MARK: Reloads

    @Test func connectionsKeepTheirKey_overSomeReloads() throws {
        let network = try OwnedNetwork(ends.server(.p256))
        let other = try ends.server(.rsa)
        for number in 1...60 as ClosedRange<UInt32> {
            try network.ring.use(other, number: number)
        }
        let made = try network.made(ends.client(.p256))
        #expect(try network.ask(made.proof) == .proven)
        #expect(network.clients[1]?.reading == 60)
        try network.ring.use(other, number: 61, at: .now + .seconds(700))
        let pair = try network.pair(ends.client(.p256), as: 2)
        pair.handshake()
        #expect(pair.server.progress == .failed(.noSignature))
    }

    /// Whoever takes his time is not let in by what was trusted when he came.
    @Test func chain_isVerifiedUnderWhatIsInForce() throws {
        let network = try OwnedNetwork(ends.server(.p256))
        let pair = try network.pair(ends.client(.p256))
        pair.client.proceed()
        pair.server.proceed()
        let made = try network.made(ends.client(.p256), as: 2)
        #expect(try network.ask(made.proof) == .proven)
        try network.ring.use(CertificateFixture.shared.server(), number: 1)
        pair.handshake()
        #expect(pair.server.progress == .failed(.unknownCA))
        #expect(network.clients[1] == nil)
        #expect(try network.ask(StandingCall(handle: 2)).failureCode == .unknownCA)
    }

    // MARK: The form

    @Test func questionsThatCantBeRead_endTheChannel() throws {
        let network = try OwnedNetwork(ends.server(.p256))
        let good = try network.made(ends.client(.p256))
        for bytes in [[], [0], [8], [255], [1, 0]] as [[UInt8]] {
            #expect(throws: PacketError.self) { try network.notary.answer(bytes) }
        }
        let questions = [
            good.signature.packet.bytes, good.chain.packet.bytes, good.proof.packet.bytes,
            StandingCall(handle: 1).packet.bytes, DropCall(handle: 1).packet.bytes,
        ]
        for bytes in questions {
            #expect(throws: PacketError.self) { try network.notary.answer(bytes + [0]) }
            #expect(throws: PacketError.self) { try network.notary.answer(Array(bytes.dropLast())) }
        }
        #expect(try network.ask(good.proof) == .proven)
    }

    private func isRefused(_ answer: ProofCall.Answer) -> Bool {
        if case .refused = answer { true } else { false }
    }
}
