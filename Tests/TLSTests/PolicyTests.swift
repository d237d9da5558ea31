// What contexts offer and send: groups, signatures, names of CAs, certificates.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Sockets
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct PolicyTests {
    let certificates: CertificateFixture

    init() throws { certificates = try .shared }

    // MARK: Groups

    /// The registry's numbers of X25519, P-256, P-384 and P-521, and of X25519MLKEM768, which OpenSSL
    /// has from 3.5 on.
    static let classical: [UInt16] = [29, 23, 24]
    static let p521: UInt16 = 25
    static let hybrid: UInt16 = 0x11ec
    static var hasHybrid: Bool { OPENSSL_version_major() > 3 || OPENSSL_version_minor() >= 5 }
    static var groups: [UInt16] { (hasHybrid ? [hybrid] : []) + classical }

    @Test func clientHello_offersTheHybridGroupFirst_whereTheLibraryHasIt() throws {
        let hello = try hello()
        #expect(hello.supportedGroups == Self.groups)
        // A share for peers of either age.
        #expect(hello.keyShares == (Self.hasHybrid ? [Self.hybrid, 29] : [29]))
    }

    @Test func clientHello_offersP521_whereTLS12AsksForItsCurve() throws {
        let hello = try hello(minimum: .tls12)
        #expect(hello.supportedGroups == Self.groups + [Self.p521])
    }

    @Test func twoOfUs_agreeOnTheFirstGroup() throws {
        let pair = try MemoryPair.established()
        #expect(pair.client.stream.group == Self.groups[0])
        #expect(pair.server.stream.group == Self.groups[0])
    }

    /// A peer that knows one group only.
    @Test(arguments: Role.allCases, [("X25519", 29), ("P-256", 23), ("P-384", 24)])
    func peer_isMetAtItsOnlyGroup(_ role: Role, _ group: (name: String, number: UInt16)) throws {
        let (client, server) = (try certificates.client(), try certificates.server())
        let limited = role == .client ? client : server
        #expect(unsafe parley_SSL_CTX_set1_groups_list(limited.pointer, group.name) == 1)
        let pair = try MemoryPair(client: client, server: server)
        try pair.establish()
        #expect(pair.client.stream.group == group.number)
        // With X25519 a second hello would cost a round trip for each peer of an older library.
        let hellos = pair.client.sent.records().count { $0.type == Record.handshake }
        #expect(hellos == (group.number == 29 || role == .client ? 1 : 2))
    }

    @Test func groups_areThoseThatTheLibraryHas() throws {
        // As under FIPS, where there is no X25519.
        let context = try certificates.client()
        let known = unsafe TLSPolicy.known(
            ["X25519MLKEM1", "P-256", "X2", "P-384"], to: context.pointer)
        #expect(known == ["P-256", "P-384"])
        expectEmptyErrorQueue()
    }

    @Test(arguments: Role.allCases)
    func certificateOfP521_isTaken_alsoInTLS12(by role: Role) throws {
        var options = TLSOptions()
        options.minimum = .tls12
        for maximum in [TLS1_2_VERSION, TLS1_3_VERSION] {
            let server = try certificates.server(
                role == .client ? "p521.pem" : "ours/server.pem",
                key: role == .client ? "p521.key" : "ours/server.key", options: options)
            let client = try certificates.client(
                role == .client ? "ours/client.pem" : "p521-client.pem",
                key: role == .client ? "ours/client.key" : "p521-client.key", options: options)
            client.limit(to: maximum)
            try MemoryPair(client: client, server: server).establish()
        }
    }

    // MARK: Signatures

    @Test func clientHello_offersNoSignatureThatTLS13HasNoUseFor() throws {
        let offered = try hello().signatures
        try expectUseful(offered)
    }

    @Test func certificateRequest_offersNoSignatureThatTLS13HasNoUseFor() throws {
        let pair = try MemoryPair.established()
        try expectUseful(pair.client.stream.signaturesOfThePeer)
    }

    private func expectUseful(_ offered: [UInt16]) throws {
        // ECDSA, EdDSA and PSS, and PKCS #1 for the signatures within certificates.
        for scheme: UInt16 in [0x0403, 0x0503, 0x0603, 0x0807, 0x0804, 0x0809, 0x0401, 0x0601] {
            #expect(offered.contains(scheme), "\(String(scheme, radix: 16))")
        }
        for scheme in offered {
            let (hash, signature) = (scheme >> 8, scheme & 0xff)
            #expect(hash >= 4, "SHA-1, SHA-224: \(String(scheme, radix: 16))")
            #expect(hash > 6 || signature != 2, "DSA: \(String(scheme, radix: 16))")
        }
        #expect(Set(offered).count == offered.count)
    }

    @Test func signatures_areLeftAlone_whereTLS12IsAllowed() throws {
        let offered = try hello(minimum: .tls12).signatures
        let context = unsafe SSL_CTX_new(TLS_client_method())!
        defer { unsafe SSL_CTX_free(context) }
        let own = unsafe Rehearsal.offeredSignatures(under: context)
        #expect(!own.isEmpty && offered.starts(with: own.prefix(1)))
        #expect(offered.contains(0x0401))
    }

    /// Contexts of both roles are made by one policy, whichever comes first.
    @Test func signatures_thatAClientOffers_areTheSameUnderAContextOfAnyRole() throws {
        let methods = unsafe [TLS_client_method(), TLS_server_method(), TLS_method()]
        let offered = unsafe methods.map { method in
            let context = unsafe SSL_CTX_new(method)!
            defer { unsafe SSL_CTX_free(context) }
            return unsafe Rehearsal.offeredSignatures(under: context)
        }
        #expect(offered[0].contains(0x0403) && Set(offered).count == 1)
    }

    // MARK: What a stranger is sent

    @Test func server_sendsItsFilesChain_andNoCAThatItTrusts() throws {
        let pair = try MemoryPair(
            client: certificates.client(nil), server: certificates.server())
        pair.handshake()
        #expect(pair.client.stream.certificatesOfThePeer == 1)
        let chained = try MemoryPair(
            client: certificates.client(
                nil, trusting: Trust(ca: certificates.path("root.pem"))),
            server: certificates.server(
                "chain.pem", trusting: Trust(ca: certificates.path("both-cas.pem"))))
        chained.handshake()
        #expect(chained.client.stream.certificatesOfThePeer == 2)
    }

    @Test func client_sendsItsFilesChain_andNoCAThatItTrusts() throws {
        let pair = try MemoryPair.established()
        // A server's chain leaves the leaf out.
        #expect(pair.server.stream.certificatesOfThePeer == 0)
    }

    @Test func certificateRequest_namesTheCAs_eachOnce() throws {
        let pair = try MemoryPair(
            client: certificates.client(),
            server: certificates.server(trusting: Trust(ca: certificates.path("twice.pem"))))
        try pair.establish()
        #expect(pair.client.stream.authorityNames == 1)
        let two = try MemoryPair(
            client: certificates.client(),
            server: certificates.server(trusting: Trust(ca: certificates.path("both-cas.pem"))))
        try two.establish()
        #expect(two.client.stream.authorityNames == 2)
    }

    @Test func certificateRequest_namesNobody_whereAKeyIsPinned() throws {
        let trust = try Trust(ca: nil, pins: [certificates.pin("ours/client")])
        let pair = try MemoryPair(
            client: certificates.client(), server: certificates.server(trusting: trust))
        try pair.establish()
        #expect(pair.client.stream.authorityNames == 0)
    }

    @Test func certificates_areNeverCompressed() throws {
        // compress_certificate (RFC 8879).
        #expect(try hello().extensions[27] == nil)
        let both = UInt64(3) << 32
        for context in [try certificates.client(), try certificates.server()] {
            #expect(unsafe SSL_CTX_get_options(context.pointer) & both == both)
        }
    }

    // MARK: openssl.cnf

    @Test func policy_doesNotLetTheConfigurationTakeACutForAnEnd() throws {
        let server = try certificates.server(trusting: nil)
        unsafe SSL_CTX_set_options(server.pointer, parley_SSL_OP_IGNORE_UNEXPECTED_EOF)
        unsafe SSL_CTX_set_verify(
            server.pointer, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        unsafe try TLSPolicy.apply(to: server.pointer, minimum: .tls13)
        let options = unsafe SSL_CTX_get_options(server.pointer)
        #expect(options & parley_SSL_OP_IGNORE_UNEXPECTED_EOF == 0)
        #expect(unsafe SSL_CTX_get_verify_mode(server.pointer) == SSL_VERIFY_NONE)
    }

    private func hello(minimum: TLSVersion = .tls13) throws -> ClientHello {
        var options = TLSOptions()
        options.minimum = minimum
        let pair = try MemoryPair(
            client: certificates.client(options: options), server: certificates.server())
        pair.client.proceed()
        return try #require(ClientHello(pair.client.sent.history))
    }
}

extension TLSStream {
    /// The registry's number of the group that the keys were exchanged in.
    var group: UInt16 {
        let group = unsafe SSL_ctrl(ssl, SSL_CTRL_GET_NEGOTIATED_GROUP, 0, nil)
        // OpenSSL gives its own numbers for the groups that it had first.
        return switch Int32(truncatingIfNeeded: group) {
        case NID_X25519: 29
        case NID_X9_62_prime256v1: 23
        case NID_secp384r1: 24
        default: UInt16(truncatingIfNeeded: group)
        }
    }

    fileprivate var signaturesOfThePeer: [UInt16] {
        let count = unsafe SSL_get_sigalgs(ssl, 0, nil, nil, nil, nil, nil)
        return (0..<count).map { index in
            var (signature, hash) = (UInt8(0), UInt8(0))
            unsafe SSL_get_sigalgs(ssl, index, nil, nil, nil, &signature, &hash)
            return UInt16(hash) << 8 | UInt16(signature)
        }
    }

    fileprivate var certificatesOfThePeer: Int32 {
        unsafe SSL_get_peer_cert_chain(ssl).map { unsafe OPENSSL_sk_num($0) } ?? 0
    }

    /// How many CAs the server named.
    fileprivate var authorityNames: Int32 {
        unsafe SSL_get0_peer_CA_list(ssl).map { unsafe OPENSSL_sk_num($0) } ?? 0
    }
}
