// Both halves of a handshake's way to the broker, with a thread between them.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import COpenSSL
internal import Sockets
internal import Synchronization
internal import System
internal import Testing

@testable internal import TLS
@testable internal import TestSupport
@testable internal import Vouching

@Suite(.timeLimit(.minutes(3)))
struct NotaryLinkTests {
    let ends: ProofEnds

    init() throws { ends = try .shared }

    /// Old releases of OpenSSL take longer to read a certificate than to verify its key's signature.
    @Test func clientsCertificate_isReadWithWhatThatNeeds() throws {
        let halves = try NotaryHalves(ends.server(.p256))
        defer { halves.thread.stop() }
        let pair = try halves.pair(ends.client(.p256), 1)
        try pair.establish()
        let certificate = unsafe SSL_get0_peer_certificate(pair.server.stream.ssl)
        let key = unsafe X509_get0_pubkey(certificate)
        try #require(unsafe key != nil)
        let provider = unsafe OSSL_PROVIDER_get0_name(EVP_PKEY_get0_provider(key!)!)
        let isLean = unsafe LeanLibrary.context != nil
        #expect(unsafe String(cString: provider!) == (isLean ? "lean" : "default"))
    }

    @Test func handshakes_proveTheirClients() throws {
        let halves = try NotaryHalves(ends.server(.ed25519))
        for (handle, role) in [(1, "client"), (2, "other"), (3, "chained")] as [(Handle, String)] {
            try halves.establish(ends.client(.p256, as: role), handle)
            #expect(halves.clients[handle]?.proven != nil)
            #expect(halves.link.objection(to: handle) == nil)
        }
        // The post channel tells of the first one, and nothing of the second.
        halves.link.leave(1, isTold: true)
        halves.link.leave(2, isTold: false)
        #expect(halves.clients[1] != nil && halves.clients[2] == nil && halves.clients[3] != nil)
        halves.thread.stop()
        #expect(halves.clients.count == 0)
        #expect(halves.breach.error.withLock { $0 } == nil)
        expectEmptyErrorQueue()
    }

    // MARK: Chains that were accepted before

    /// Nobody asks about such a chain before the proof, and the broker looks at it all the same.
    @Test func chainThatWasAccepted_isRefusedWithItsProof_whereItIsGoodNoMore() throws {
        let halves = try NotaryHalves(ends.server(.p256))
        try halves.establish(ends.client(.p256), 1)
        try halves.ring.use(CertificateFixture.shared.server(), number: 1)
        // Others are asked about, and so is this one once it was refused.
        #expect(try halves.refusal(ends.client(.p256, as: "other"), 2) == (.unknownCA, true))
        #expect(try halves.refusal(ends.client(.p256), 3) == (.unknownCA, false))
        #expect(halves.clients[3] == nil)
        #expect(try halves.refusal(ends.client(.p256), 4) == (.unknownCA, true))
        halves.link.leave(3, isTold: false)
        #expect(halves.clients.count == 1)
        halves.thread.stop()
        expectEmptyErrorQueue()
    }

    @Test func chainThatWasAccepted_isAskedAboutAgain_underOtherFiles() throws {
        let halves = try NotaryHalves(ends.server(.p256))
        for handle in 1...2 as ClosedRange<Handle> {
            try halves.establish(ends.client(.p256), handle)
            #expect(halves.clients[handle]?.proven != nil)
        }
        try halves.ring.use(CertificateFixture.shared.server(), number: 1)
        halves.link.forgetChains()
        #expect(try halves.refusal(ends.client(.p256), 3) == (.unknownCA, true))
        #expect(halves.clients.count == 2)
        halves.thread.stop()
    }

    /// TLS 1.2 has no proof that it could come with.
    @Test func chainOfTLS12_isAskedAboutAlways() throws {
        let halves = try NotaryHalves(ends.server(.p256, minimum: .tls12))
        let old = try ends.client(.p256) { $0.limit(to: TLS1_2_VERSION) }
        try halves.establish(ends.client(.p256), 1)
        for handle in 2...3 as ClosedRange<Handle> {
            try halves.establish(old, handle)
            #expect(halves.clients[handle] != nil && halves.clients[handle]?.proven == nil)
        }
        try halves.ring.use(CertificateFixture.shared.server(), number: 1)
        #expect(try halves.refusal(old, 4) == (.unknownCA, true))
        halves.thread.stop()
    }

    /// Whoever's chain was not asked about must not be served for want of a proof.
    @Test func handshakeOfTLS13_withoutItsProof_isRefused() throws {
        let halves = try NotaryHalves(ends.server(.p256))
        for handle in 1...2 as ClosedRange<Handle> {
            let pair = try halves.pair(ends.client(.p256), handle)
            try pair.establish()
            #expect(throws: StreamError.self) { try halves.link.prove(nil, of: handle) }
            halves.link.leave(handle, isTold: false)
        }
        try halves.establish(ends.client(.p256), 3)
        halves.thread.stop()
    }

    @Test func acceptedChains_haveTheirTime_andABound() {
        let start = Moment(nanoseconds: 1_000_000_000_000)
        var accepted = AcceptedChains(limit: 2)
        accepted.insert([1], for: .seconds(10), at: start)
        accepted.insert([2], for: .seconds(1_000_000), at: start)
        #expect(accepted.holds([1], at: start + .seconds(9)))
        #expect(!accepted.holds([1], at: start + .seconds(10)))
        #expect(!accepted.holds([1, 2], at: start))
        #expect(accepted.holds([2], at: start + .seconds(3_599)))
        #expect(!accepted.holds([2], at: start + .seconds(3_600)))
        accepted.insert([3], for: .seconds(10), at: start)
        #expect(accepted.holds([3], at: start) && !accepted.holds([2], at: start))
        accepted.removeAll()
        #expect(!accepted.holds([3], at: start))
    }

    /// As many as there are at once have nonces of their own.
    @Test func handshakesAtOnce_areAllProved() throws {
        let halves = try NotaryHalves(ends.server(.p256))
        let client = try ends.client(.p256)
        let pairs = try (1...20 as ClosedRange<Handle>).map { try halves.pair(client, $0) }
        for pair in pairs { pair.server.sent.capacity = 100 }
        for _ in 0..<200 {
            for pair in pairs {
                pair.client.proceed()
                pair.server.proceed()
            }
        }
        for (index, pair) in pairs.enumerated() {
            try pair.establish()
            _ = try halves.link.prove(pair.server.stream.takeProof(), of: Handle(index + 1))
        }
        #expect(halves.clients.count == 20)
        halves.thread.stop()
    }

    /// Whose flights don't fit their sockets, so that each stops between its nonce and its signature. Whoever is as
    /// slow, and serious, still has a nonce that the broker knows.
    @Test func strangersWhoBreakOff_haveNobodysNonceForgotten() throws {
        let names = (1_000..<1_500).map { "DNS:\($0).example" }.joined(separator: ",")
        try ends.authority.certificate(
            "wide", "x", "extendedKeyUsage = serverAuth\nsubjectAltName = DNS:localhost,\(names)",
            by: "root")
        let halves = try NotaryHalves(
            TLSContext(
                serverWith: Credentials(
                    certificate: ends.authority.path("wide.pem"),
                    key: ends.authority.path("wide.key"), purpose: .server),
                clientTrust: ends.authority.trust("root")))
        let client = try ends.client(.p256)
        func begin(_ handle: Handle) throws -> MemoryPair {
            let pair = try halves.pair(client, handle)
            pair.server.sent.capacity = 100
            pair.client.proceed()
            pair.server.proceed()
            return pair
        }
        let slow = try begin(1)
        var handle: Handle = 1
        for _ in 0..<15 {
            let first = handle + 1
            let strangers = try (0..<60).map { _ in
                handle += 1
                return try begin(handle)
            }
            #expect(strangers.allSatisfy { $0.server.progress == .waiting })
            for handle in first...handle { halves.link.leave(handle, isTold: false) }
        }
        slow.server.sent.capacity = .max
        try slow.establish()
        _ = try halves.link.prove(slow.server.stream.takeProof(), of: 1)
        // And those who come now take what the strangers have left.
        for handle in 10_000...10_080 as ClosedRange<Handle> {
            try halves.establish(client, handle)
            #expect(halves.clients[handle]?.proven != nil)
            halves.link.leave(handle, isTold: false)
        }
        halves.thread.stop()
        #expect(halves.breach.error.withLock { $0 } == nil)
        expectEmptyErrorQueue()
    }

    @Test func serverThatAsksNobody_isSignedFor_andNothingIsKept() throws {
        let halves = try NotaryHalves(ends.server(.p256, asksClient: false))
        try halves.establish(ends.client(.p256), 1)
        halves.thread.stop()
        // Nobody has to be told.
        halves.link.leave(1, isTold: false)
    }

    /// Whoever sends what can't be read is not answered any more, and nobody is known by it.
    @Test(arguments: [[99], [CallKind.nonce.rawValue, 1], [CallKind.drop.rawValue, 0, 0, 0]])
    func questionThatCantBeRead_endsTheProcessesRights(_ question: [UInt8]) throws {
        let halves = try NotaryHalves(ends.server(.p256))
        try halves.establish(ends.client(.p256), 1)
        let pair = try halves.pair(ends.client(.p256, as: "other"), 2)
        pair.client.proceed()
        pair.server.proceed()
        // Whose chain nobody would have to ask about.
        let known = try halves.pair(ends.client(.p256), 3)
        known.client.proceed()
        known.server.proceed()
        var packet = PacketWriter(question[0])
        for byte in question.dropFirst() { packet.add(byte) }
        #expect(throws: PacketError.self) { try halves.channel.call(packet, limit: 1_000) }
        halves.thread.stop()
        #expect(halves.breach.error.withLock { $0?.code } == .malformed)
        #expect(halves.clients.count == 0)
        // Nothing that was begun goes on.
        pair.handshake()
        #expect(pair.server.progress == .failed(.system))
        known.handshake()
        #expect(throws: StreamError.self) {
            try halves.link.prove(known.server.stream.takeProof(), of: 3)
        }
        #expect(halves.clients.count == 0)
        #expect(halves.link.objection(to: 1) != nil)
    }

    @Test func whereNobodyAnswers_handshakesFail() throws {
        let halves = try NotaryHalves(ends.server(.p256))
        let client = try ends.client(.p256)
        let begun = try halves.pair(client, 1)
        begun.client.proceed()
        begun.server.proceed()
        halves.thread.stop()
        begun.handshake()
        #expect(begun.server.progress == .failed(.system))
        let pair = try halves.pair(client, 2)
        pair.handshake()
        #expect(pair.server.progress == .failed(.noSignature))
        #expect(halves.link.objection(to: 1)?.code == .system)
    }
}

extension NotaryHalves {
    fileprivate func establish(_ client: TLSContext, _ handle: Handle) throws {
        let pair = try pair(client, handle)
        try pair.establish()
        #expect(try link.prove(pair.server.stream.takeProof(), of: handle) == nil)
    }

    /// What a client is told in its handshake, or its session after it.
    fileprivate func refusal(
        _ client: TLSContext, _ handle: Handle
    ) throws -> (StreamError.Code?, isAlert: Bool) {
        let pair = try pair(client, handle)
        pair.handshake()
        if case .failed(let code) = pair.server.progress { return (code, true) }
        do throws(StreamError) {
            _ = try link.prove(pair.server.stream.takeProof(), of: handle)
            return (nil, false)
        } catch {
            return (error.code, false)
        }
    }
}
