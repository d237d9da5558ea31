// Clients' chains that are verified outside of a handshake, how long that holds, and what is remembered.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Sockets
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

/// That the verdict is a handshake's, `MemoryPair.expectSameVerdict` finds with each client that the
/// tests of certificates have.
@Suite(.timeLimit(.minutes(1)))
struct VerifiedChainTests {
    private static let made = Result { try Authority(make) }
    let pki: Authority

    init() throws { pki = try Self.made.get() }

    /// Seconds since 1970, of which the years are the beginnings.
    private enum Time {
        static let now = CertificateTime.now
        static let year2041 = 2_240_611_200
        static let year2042 = 2_272_147_200
        static let year2043 = 2_303_683_200
    }

    private static func make(_ pki: Authority) throws {
        func dates(_ end: Int) -> (String, String) { ("20250101000000Z", "\(end)0101000000Z") }
        try pki.certificate("root", dates: dates(2049))
        try pki.certificate("inter", by: "root", dates: dates(2043))
        try pki.certificate(
            "brief", "x", Authority.client, by: "inter", dates: dates(2042), chain: ["inter"])
        try pki.certificate(
            "long", "x", Authority.client, by: "inter", dates: dates(2044), chain: ["inter"])
        try pki.certificate("direct", "x", Authority.client, by: "root", dates: dates(2044))
        try pki.certificate("stranger", "x", Authority.client)
        try pki.list("root.crl", by: "root", until: dates(2041).1)
        try pki.list("late.crl", by: "root")
        try pki.list("inter.crl", by: "inter")
        try pki.list("next.crl", by: "inter", from: dates(2042).1)
        try pki.list("none.crl", by: "inter", revoking: ["long"])
    }

    private func chain(_ name: String, extensions: [UInt8] = []) throws -> ClientChain {
        let certificates = try Certificate.read(pki.path("\(name).pem"))
        return try ClientChain(
            certificateMessage(
                certificates.enumerated().map { $1.entry($0 == 0 ? extensions : []) }))
    }

    private func server(_ lists: [String] = []) throws -> TLSContext {
        let name = "\(UInt64.random(in: 0...UInt64.max)).list"
        if !lists.isEmpty { try pki.join(lists.map { "\($0).crl" }, into: name) }
        return try CertificateFixture.shared.server(
            trusting: pki.trust("root", crl: lists.isEmpty ? nil : name))
    }

    private func refusal(_ body: () throws(ChainRefusal) -> VerifiedChain) -> ChainRefusal? {
        defer { expectEmptyErrorQueue() }
        do throws(ChainRefusal) {
            _ = try body()
            return nil
        } catch {
            return error
        }
    }

    // MARK: A chain

    /// Those of the client's certificate, an intermediate's, a list of the client's or of a CA's between,
    /// and the beginning of another list.
    @Test(
        arguments: [
            ("brief-chain", [], Time.year2042), ("long-chain", [], Time.year2043),
            ("direct", ["root"], Time.year2041 + 1),
            ("brief-chain", ["root", "inter"], Time.year2041 + 1),
            ("long-chain", ["late", "inter", "next"], Time.year2042),
        ] as [(String, [String], Int)])
    func chain_holdsUntilTheFirstOfItsEnds(_ name: String, _ lists: [String], _ end: Int) throws {
        let verified = try VerifiedChain(chain(name), under: server(lists), at: Time.now)
        #expect(verified.end == end)
        #expect(verified.holds(at: Time.now) && verified.holds(at: end - 1))
        #expect(!verified.holds(at: end) && !verified.holds(at: Time.now - 1))
        #expect(try verified.identity == PeerIdentity(chain(name).certificates()[0]))
        expectEmptyErrorQueue()
    }

    /// What was good is refused from that moment on, and for that reason.
    @Test(
        arguments: [
            ("brief-chain", [], Time.year2042, .certificateExpired),
            ("long-chain", [], Time.year2043, .certificateExpired),
            ("direct", ["root"], Time.year2041 + 1, .revocationUnknown),
        ] as [(String, [String], Int, StreamError.Code)])
    func chain_isRefusedAtItsEnd(
        _ name: String, _ lists: [String], _ end: Int, _ code: StreamError.Code
    ) throws {
        let (context, chain) = (try server(lists), try chain(name))
        #expect(
            refusal { () throws(ChainRefusal) in
                try VerifiedChain(chain, under: context, at: end - 1)
            } == nil)
        let refusal = refusal { () throws(ChainRefusal) in
            try VerifiedChain(chain, under: context, at: end)
        }
        #expect(refusal?.failure.code == code)
        let number =
            code == .certificateExpired
            ? X509_V_ERR_CERT_HAS_EXPIRED : X509_V_ERR_DIFFERENT_CRL_SCOPE
        #expect(refusal?.code == number)
    }

    @Test func unreadableChain_isRefusedLikeOneThatIsMalformed() throws {
        let context = try server()
        for entry: [UInt8] in [[0, 0, 2, 0x30, 0, 0, 0], [0, 0, 1, 0x30, 0, 0]] {
            let good = try Certificate.read(pki.path("direct.pem"))[0].entry
            for entries in [[entry], [good, entry]] {
                let chain = try ClientChain(certificateMessage(entries))
                let refusal = refusal { () throws(ChainRefusal) in
                    try VerifiedChain(chain, under: context)
                }
                #expect(refusal?.code == X509_V_ERR_CERT_REJECTED)
                #expect(refusal?.failure.code == .certificateInvalid)
                #expect(refusal?.failure.sentence.contains("malformed") == true)
            }
        }
    }

    /// A network process may say that such a server asks.
    @Test func serverThatTrustsNobody_acceptsNobody() throws {
        let context = try CertificateFixture.shared.server(trusting: nil)
        let chain = try chain("direct")
        let refusal = refusal { () throws(ChainRefusal) in
            try VerifiedChain(chain, under: context)
        }
        #expect(refusal?.code == X509_V_ERR_CERT_UNTRUSTED)
        #expect(refusal?.failure.code == .unknownCA)
    }

    // MARK: The memory

    @Test func chain_isVerifiedOnce_byTheMessageItCameIn() throws {
        let chains = VerifiedChains(under: try server())
        let first = try chains.verify(chain("direct"))
        #expect(try chains.verify(chain("direct")).leaf === first.leaf)
        let other = try chains.verify(chain("direct", extensions: [0x7a, 0x7a, 0, 0]))
        #expect(other.leaf !== first.leaf)
        #expect(other.identity == first.identity)
        #expect(try chains.verify(chain("brief-chain")).leaf !== first.leaf)
    }

    @Test func chain_isVerifiedAgain_whereItHoldsNoMore() throws {
        let chains = VerifiedChains(under: try server())
        let chain = try chain("brief-chain")
        let first = try chains.verify(chain, at: Time.now)
        #expect(try chains.verify(chain, at: Time.year2042 - 1).leaf === first.leaf)
        // A clock that was set back may have come to before its beginning.
        let second = try chains.verify(chain, at: Time.now - 1)
        #expect(second.leaf !== first.leaf)
        let refusal = refusal { () throws(ChainRefusal) in
            try chains.verify(chain, at: Time.year2042)
        }
        #expect(refusal?.failure.code == .certificateExpired)
    }

    @Test func refusal_isNotRemembered_andNeitherIsAnotherContexts() throws {
        let chain = try chain("long-chain")
        let (open, closed) = (
            VerifiedChains(under: try server()),
            VerifiedChains(under: try server(["root", "none"]))
        )
        _ = try open.verify(chain)
        for _ in 0..<2 {
            let refusal = refusal { () throws(ChainRefusal) in try closed.verify(chain) }
            #expect(refusal?.failure.code == .certificateRevoked)
            #expect(refusal?.code == X509_V_ERR_CERT_REVOKED)
        }
        #expect(closed.size == 0)
        let stranger = try self.chain("stranger")
        #expect(
            refusal { () throws(ChainRefusal) in try open.verify(stranger) }?.failure.code
                == .selfSigned)
        #expect(open.size == chain.size)
    }

    @Test func memory_hasItsRoom_andKeepsWhatIsShown() throws {
        let size = try chain("direct", extensions: [0x7a, 0x7a, 0, 2, 0, 0]).size
        let chains = VerifiedChains(under: try server(), room: 20 * size)
        let favourite = try chain("direct", extensions: [0x7a, 0x7a, 0, 2, 0xff, 0xff])
        let leaf = try chains.verify(favourite).leaf
        for number in 0..<60 as Range<UInt8> {
            _ = try chains.verify(chain("direct", extensions: [0x7a, 0x7a, 0, 2, 0, number]))
            #expect(chains.size <= 20 * size)
            #expect(try chains.verify(favourite).leaf === leaf, "\(number)")
        }
        #expect(chains.size >= 10 * size)
        // The first are forgotten, the last are not.
        let last = try chain("direct", extensions: [0x7a, 0x7a, 0, 2, 0, 59])
        #expect(try chains.verify(last).leaf === chains.verify(last).leaf)
        // What is larger than half of the room is verified each time.
        let none = VerifiedChains(under: try server(), room: 2 * size - 1)
        #expect(try none.verify(favourite).leaf !== none.verify(favourite).leaf)
        #expect(none.size == 0)
    }

    @Test func memory_isForAnyThread() async throws {
        let chains = VerifiedChains(under: try server(), room: 8_192)
        let shown = try (0..<20 as Range<UInt8>).map {
            try chain("brief-chain", extensions: [0x7a, 0x7a, 0, 1, $0])
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for start in 0..<4 {
                group.addTask {
                    try await onLoop { _ in
                        for number in 0..<200 {
                            let verified = try chains.verify(shown[(start * 5 + number) % 20])
                            #expect(verified.identity.names.count == 1)
                        }
                        expectEmptyErrorQueue()
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(chains.size <= 8_192)
    }
}
