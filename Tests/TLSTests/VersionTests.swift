// Which versions, cipher suites and groups are spoken.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Sockets
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct VersionTests {
    let certificates: CertificateFixture

    init() throws { certificates = try .shared }

    private var oldToo: TLSOptions {
        var options = TLSOptions()
        options.minimum = .tls12
        return options
    }

    @Test(
        arguments: [
            ("1.2", TLSVersion.tls12), ("1.3", .tls13), ("1.1", nil), ("1", nil), ("", nil),
            ("TLS1.3", nil), ("1.3 ", nil),
        ] as [(String, TLSVersion?)])
    func version_isReadStrictly(_ text: String, _ version: TLSVersion?) {
        #expect(TLSVersion(text) == version)
    }

    // MARK: Versions

    @Test func tls12Client_isRefusedByDefault() throws {
        let client = try certificates.client(options: oldToo)
        client.limit(to: TLS1_2_VERSION)
        let pair = try MemoryPair(client: client, server: certificates.server())
        pair.handshake()
        #expect(pair.server.progress == .failed(.noCommonVersion))
        #expect(pair.client.progress == .failed(.noCommonVersion))
    }

    @Test func tls12Server_isRefusedByDefault() throws {
        let server = try certificates.server(options: oldToo)
        server.limit(to: TLS1_2_VERSION)
        let pair = try MemoryPair(client: certificates.client(), server: server)
        pair.handshake()
        #expect(pair.server.progress == .failed(.noCommonVersion))
        #expect(pair.client.progress == .failed(.noCommonVersion))
    }

    @Test(arguments: Role.allCases)
    func tls12Peer_isAccepted_whereItIsAllowed(_ old: Role) throws {
        let client = try certificates.client(
            "ours/alice.pem", key: "ours/alice.key", options: oldToo)
        let server = try certificates.server(options: oldToo)
        (old == .client ? client : server).limit(to: TLS1_2_VERSION)
        let pair = try MemoryPair(client: client, server: server)
        try pair.establish()
        #expect(pair.client.stream.version == "TLSv1.2")
        #expect(pair.server.stream.version == "TLSv1.2")
        #expect(pair.server.stream.peerName == "email:alice@example.org")
        #expect(pair.client.stream.peerName == "dns:localhost")
        #expect(try pair.client.write("one") == .moved(3))
        #expect(try pair.client.write("two") == .moved(3))
        #expect(try pair.server.read() == .text("one"))
        #expect(try pair.server.read() == .text("two"))
        #expect(try pair.server.close() == .moved(0))
        #expect(try pair.client.read() == .ended)
    }

    @Test func tls13_isChosen_whereBothHaveIt() throws {
        let pair = try MemoryPair(
            client: certificates.client(options: oldToo),
            server: certificates.server(options: oldToo))
        try pair.establish()
        #expect(pair.client.stream.version == "TLSv1.3")
    }

    @Test(arguments: [0x0300, 0x0301, 0x0302])
    func olderThanTLS12_isRefusedAlways(_ version: Int) throws {
        let client = try certificates.client(options: oldToo)
        client.limit(to: TLS1_2_VERSION)
        let pair = try MemoryPair(client: client, server: certificates.server(options: oldToo))
        pair.client.proceed()
        // ClientHello.legacy_version, after the headers of the record and of the message.
        try #require(Array(pair.client.sent.pending[9...10]) == [3, 3])
        pair.client.sent.pending[10] = UInt8(version & 0xff)
        pair.server.proceed()
        #expect(pair.server.progress == .failed(.noCommonVersion))
    }

    @Test func fallback_isNoticed_whereBothHaveTLS13() throws {
        let pair = try MemoryPair(
            client: certificates.client(options: oldToo),
            server: certificates.server(options: oldToo))
        pair.client.proceed()
        // Somebody in between makes the offer of 1.3 unreadable (RFC 8446, section 4.1.3).
        let offer: [UInt8] = [0, 43, 0, 5, 4, 3, 4, 3, 3]
        let place = try #require(pair.client.sent.pending.firstRange(of: offer)).lowerBound
        pair.client.sent.pending[place] = 0xfa
        pair.handshake()
        #expect(pair.client.progress == .failed(.tlsFailed))
        #expect(pair.server.progress != .done)
    }

    // MARK: Suites and groups

    @Test(arguments: Role.allCases)
    func everySuite_isForwardSecretAndAuthenticated(of role: Role) throws {
        let context =
            try role == .client
            ? certificates.client(options: oldToo) : certificates.server(options: oldToo)
        let suites = unsafe SSL_CTX_get_ciphers(context.pointer)
        let count = unsafe OPENSSL_sk_num(suites)
        #expect(count >= 6)
        for index in 0..<count {
            let suite = unsafe OpaquePointer(OPENSSL_sk_value(suites, index)!)
            let name = unsafe String(cString: SSL_CIPHER_get_name(suite))
            #expect(unsafe SSL_CIPHER_is_aead(suite) == 1, "\(name)")
            let exchange = unsafe SSL_CIPHER_get_kx_nid(suite)
            #expect([NID_kx_any, NID_kx_ecdhe].contains(exchange), "\(name)")
            let authentication = unsafe SSL_CIPHER_get_auth_nid(suite)
            #expect(
                [NID_auth_any, NID_auth_rsa, NID_auth_ecdsa].contains(authentication), "\(name)")
        }
    }

    @Test(arguments: [
        ("ECDHE-RSA-AES128-GCM-SHA256", true), ("ECDHE-RSA-AES256-GCM-SHA384", true),
        ("ECDHE-RSA-CHACHA20-POLY1305", true), ("AES128-GCM-SHA256", false),
        ("DHE-RSA-AES128-GCM-SHA256", false), ("ECDHE-RSA-AES128-SHA256", false),
        ("ECDHE-RSA-AES256-SHA", false),
    ])
    func tls12Suite_isAccepted_onlyIfForwardSecretAndAuthenticated(
        _ suite: String, _ isAccepted: Bool
    ) throws {
        let client = try certificates.client(options: oldToo)
        client.limit(to: TLS1_2_VERSION)
        try #require(unsafe SSL_CTX_set_cipher_list(client.pointer, suite) == 1)
        let server = try certificates.server("rsa.pem", key: "rsa.key", options: oldToo)
        let pair = try MemoryPair(client: client, server: server)
        pair.handshake()
        #expect(pair.server.progress == (isAccepted ? .done : .failed(.noCommonCipher)))
        #expect(pair.client.progress == (isAccepted ? .done : .failed(.noCommonCipher)))
        if isAccepted { #expect(pair.server.stream.cipher == suite) }
    }

    @Test func tls13Suite_hasToBeKnown() throws {
        let client = try certificates.client()
        try #require(unsafe SSL_CTX_set_ciphersuites(client.pointer, "TLS_AES_128_CCM_SHA256") == 1)
        let pair = try MemoryPair(client: client, server: certificates.server())
        pair.handshake()
        #expect(pair.server.progress == .failed(.noCommonCipher))
        #expect(pair.client.progress == .failed(.noCommonCipher))
    }

    @Test(arguments: ["P-521", "X448"])
    func group_hasToBeKnown(_ group: String) throws {
        let client = try certificates.client()
        try #require(unsafe parley_SSL_CTX_set1_groups_list(client.pointer, group) == 1)
        let pair = try MemoryPair(client: client, server: certificates.server())
        pair.handshake()
        #expect(pair.server.progress == .failed(.noCommonCipher))
        #expect(pair.client.progress == .failed(.noCommonCipher))
    }

    @Test(arguments: ["X25519", "P-256", "P-384"])
    func group_isChosen_whereItIsTheClientsOnly(_ group: String) throws {
        let client = try certificates.client()
        try #require(unsafe parley_SSL_CTX_set1_groups_list(client.pointer, group) == 1)
        try MemoryPair(client: client, server: certificates.server()).establish()
    }

    @Test func group_isAgreedOnAfterASecondHello() throws {
        // The client's key share is for its first group, which the server has not.
        let client = try certificates.client()
        try #require(unsafe parley_SSL_CTX_set1_groups_list(client.pointer, "P-521:P-256") == 1)
        try MemoryPair(client: client, server: certificates.server()).establish()
    }

    // MARK: TLS 1.2 has the rest of the policy too

    @Test func tls12Server_givesNothingToResumeBy() throws {
        let client = try certificates.client(options: oldToo)
        client.limit(to: TLS1_2_VERSION)
        // As a client of another make would ask.
        unsafe SSL_CTX_clear_options(client.pointer, parley_SSL_OP_NO_TICKET)
        let pair = try MemoryPair(client: client, server: certificates.server(options: oldToo))
        pair.client.proceed()
        let hello = try #require(ClientHello(pair.client.sent.history))
        try #require(hello.extensions[ClientHello.sessionTicket] != nil)
        pair.handshake()
        try #require(pair.client.progress == .done)
        let messages = pair.server.sent.records().prefix { $0.type == Record.handshake }
            .flatMap { Message.messages(in: $0.payload) }
        let serverHello = try #require(messages.first { $0.type == Message.serverHello })
        // The version, the random, and then a session id without a byte.
        #expect(serverHello.body[34] == 0)
        #expect(!messages.contains { $0.type == Message.newSessionTicket })
        #expect(messages.contains { $0.type == Message.serverHelloDone })
        // What follows is ChangeCipherSpec and Finished.
        #expect(pair.server.sent.records().suffix(2).map(\.type) == [20, Record.handshake])
    }

    @Test func tls12Client_withoutACertificate_isTurnedAwayInTheHandshake() throws {
        let client = try certificates.client(nil, options: oldToo)
        client.limit(to: TLS1_2_VERSION)
        let pair = try MemoryPair(client: client, server: certificates.server(options: oldToo))
        pair.handshake()
        #expect(pair.server.progress == .failed(.clientCertificateRequired))
        // TLS 1.2 has no alert of its own for it: handshake_failure.
        #expect(pair.client.progress == .failed(.noCommonCipher))
    }
}

/// A handshake message in the clear (RFC 5246, section 7.4).
private struct Message {
    static let serverHello: UInt8 = 2
    static let newSessionTicket: UInt8 = 4
    static let serverHelloDone: UInt8 = 14

    let type: UInt8
    let body: [UInt8]

    static func messages(in bytes: [UInt8]) -> [Message] {
        var messages: [Message] = []
        var rest = bytes[...]
        while rest.count >= 4 {
            let header = Array(rest.prefix(4))
            let length = Int(header[1]) << 16 | Int(header[2]) << 8 | Int(header[3])
            messages.append(Message(type: header[0], body: Array(rest.dropFirst(4).prefix(length))))
            rest = rest.dropFirst(4 + length)
        }
        return messages
    }
}

extension TLSContext {
    /// Makes an end that is older than any that the project's own settings make.
    func limit(to version: Int32) {
        let accepted = unsafe parley_SSL_CTX_set_max_proto_version(pointer, version)
        #expect(accepted == 1)
    }
}
