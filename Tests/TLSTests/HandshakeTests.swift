// The handshake of two ends in memory, and what each knows after it.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct HandshakeTests {
    let certificates: CertificateFixture

    init() throws { certificates = try .shared }

    @Test func handshake_agreesOnTLS13AndOneCipher() throws {
        let pair = try MemoryPair.established()
        for end in [pair.client, pair.server] {
            #expect(end.stream.version == "TLSv1.3")
            #expect(end.stream.cipher.hasPrefix("TLS_"))
            #expect(end.stream.isEstablished)
        }
        #expect(pair.client.stream.cipher == pair.server.stream.cipher)
    }

    /// Without it the first message of a client with Nagle's algorithm waits 40 ms.
    @Test func server_acknowledgesTheClientsLastFlight_whichNothingAnswers() async throws {
        let pair = try MemoryPair.established()
        try await pair.client.stream.handshake()
        try await pair.server.stream.handshake()
        #expect(pair.client.channel.acknowledgements == 0)
        #expect(pair.server.channel.acknowledgements == 1)
    }

    // MARK: Identities

    @Test(arguments: [
        ("ours/client", "dns:client"), ("ours/alice", "email:alice@example.org"),
    ])
    func server_knowsTheClient_afterTheHandshake(_ certificate: String, _ name: String) throws {
        let client = try certificates.client("\(certificate).pem", key: "\(certificate).key")
        let pair = try MemoryPair(client: client, server: certificates.server())
        #expect(pair.server.stream.peerIdentity == nil)
        try pair.establish()
        let identity = try #require(pair.server.stream.peerIdentity)
        #expect(identity.names.map(\.description) == [name])
        #expect(pair.server.stream.peerName == name)
        try expect(identity, isOf: certificate)
    }

    @Test func client_knowsTheServer_afterTheHandshake() throws {
        let pair = try MemoryPair.established()
        let identity = try #require(pair.client.stream.peerIdentity)
        #expect(
            identity.names.prefix(3).map(\.description) == [
                "dns:localhost", "ip:127.0.0.1", "ip:::1",
            ])
        #expect(pair.client.stream.peerName == "dns:localhost")
        try expect(identity, isOf: "ours/server")
    }

    /// Compares an identity with what the `openssl` command says of the certificate.
    private func expect(_ identity: PeerIdentity, isOf certificate: String) throws {
        #expect(identity.keyHash == (try certificates.pin(certificate).keyHash))
        #expect(Pin(keyHash: identity.keyHash).description == certificates.pins[certificate])
        let serial = try certificates.field(["-serial"], of: "\(certificate).pem")
        #expect(identity.serial == serial.lowercased())
        let end = try certificates.field(
            ["-enddate", "-dateopt", "iso_8601"], of: "\(certificate).pem")
        #expect(identity.notAfter == end.replacing("Z", with: " UTC"))
    }

    @Test func server_knowsNobody_whereItAsksForNoCertificate() throws {
        let server = try certificates.server(trusting: nil)
        let pair = try MemoryPair(client: certificates.client(), server: server)
        try pair.establish()
        #expect(pair.server.stream.peerIdentity == nil)
        #expect(pair.server.stream.peerName == nil)
    }

    @Test func client_knowsTheServer_byTheNameThatWasVerified() throws {
        for (name, identity) in [
            ("127.0.0.1", "ip:127.0.0.1"), ("::1", "ip:::1"), ("LOCALHOST", "dns:LOCALHOST"),
        ] {
            let pair = try MemoryPair(
                client: certificates.client(), server: certificates.server(), name: name)
            #expect(pair.client.stream.peerName == nil)
            try pair.establish()
            #expect(pair.client.stream.peerName == identity)
        }
    }

    @Test func identity_isTheKey_whereTheCertificateHasNoName() throws {
        let pair = try MemoryPair(
            client: certificates.client("client-no-san.pem"), server: certificates.server())
        try pair.establish()
        let pin = try #require(certificates.pins["ours/client"])
        #expect(pair.server.stream.peerName == "key:sha256:" + pin.dropFirst("sha256//".count))
    }

    @Test func identity_leavesOutNamesThatDeceive() throws {
        let pair = try MemoryPair(
            client: certificates.client("client-nul.pem"), server: certificates.server())
        try pair.establish()
        #expect(
            pair.server.stream.peerIdentity?.names.map(\.description) == [
                "dns:good", "ip:49.50.51.52",
            ])
    }

    @Test func identity_hasEveryKindOfName() throws {
        let pair = try MemoryPair(
            client: certificates.client("client-good.pem"), server: certificates.server())
        try pair.establish()
        #expect(
            pair.server.stream.peerIdentity?.names.map(\.description) == [
                "email:a@example.org", "uri:spiffe://a/b",
            ])
    }

    // MARK: The channel's whims

    @Test func handshake_succeeds_aByteAtATime() throws {
        let pair = try MemoryPair.trusting()
        pair.client.toReceive.trickles = true
        pair.server.toReceive.trickles = true
        // Each receive that has nothing yet ends an attempt.
        var attempts = 0
        while pair.client.progress == .waiting || pair.server.progress == .waiting {
            pair.client.proceed()
            pair.server.proceed()
            attempts += 1
            try #require(attempts < 20_000)
        }
        #expect(pair.client.progress == .done)
        #expect(pair.server.progress == .done)
        #expect(attempts > 1_000)
    }

    @Test(arguments: [1, 7, 100])
    func handshake_succeeds_overANarrowChannel(_ capacity: Int) throws {
        let pair = try MemoryPair.trusting()
        pair.client.sent.capacity = capacity
        pair.server.sent.capacity = capacity
        try pair.establish()
    }

    @Test func handshake_waitsForTheRightDirection() throws {
        let pair = try MemoryPair.trusting()
        pair.client.sent.capacity = 10
        #expect(try pair.client.stream.attemptHandshake() == .blocked(.write))
        pair.client.sent.capacity = .max
        #expect(try pair.client.stream.attemptHandshake() == .blocked(.read))
        #expect(try pair.server.stream.attemptHandshake() == .blocked(.read))
        #expect(try pair.client.stream.attemptHandshake() == .moved(1))
        #expect(try pair.server.stream.attemptHandshake() == .moved(1))
    }

    @Test func handshake_fails_whereAnythingInItWasChanged() throws {
        let count = try MemoryPair.trusting().helloCount()
        for position in stride(from: 5, to: count, by: 11) {
            for role in Role.allCases {
                let pair = try MemoryPair.trusting()
                if role == .server { pair.client.proceed() }
                let end = pair.end(role)
                end.proceed()
                let place = min(position, end.sent.pending.count - 1)
                end.sent.pending[place] ^= 1
                pair.handshake()
                #expect(
                    pair.client.progress != .done || pair.server.progress != .done,
                    "\(role) byte \(place)")
            }
        }
    }

    // MARK: ALPN

    @Test(
        "The server's first protocol that the client offers is chosen, and without one both go on",
        arguments: [
            (["parley/1"], ["parley/1"], "parley/1"),
            (["a", "b"], ["b", "a"], "b"),
            (["a", "c"], ["b", "c"], "c"),
            (["a"], ["b"], nil),
            ([], ["b"], nil),
            (["a"], [], nil),
            ([], [], nil),
        ] as [([String], [String], String?)])
    func applicationProtocol_isTheServersFirst(
        client offered: [String], server known: [String], _ chosen: String?
    ) throws {
        var (ours, theirs) = (TLSOptions(), TLSOptions())
        ours.applicationProtocols = offered
        theirs.applicationProtocols = known
        let pair = try MemoryPair(
            client: certificates.client(options: ours),
            server: certificates.server(options: theirs))
        try pair.establish()
        #expect(pair.client.stream.applicationProtocol == chosen)
        #expect(pair.server.stream.applicationProtocol == chosen)
        #expect(try pair.client.write("x") == .moved(1))
        #expect(try pair.server.read() == .text("x"))
    }

    // MARK: The ClientHello

    @Test(
        arguments: [
            ("localhost", "localhost"), ("Example.ORG", "Example.ORG"),
            ("www.example.org.", "www.example.org"), ("127.0.0.1", nil), ("::1", nil),
            ("fe80::1%eth0", nil), ("uri:spiffe://example.org/server", nil),
        ] as [(String, String?)])
    func clientHello_hasTheServersName_butNoAddress(_ name: String, _ sent: String?) throws {
        let pair = try MemoryPair(
            client: certificates.client(), server: certificates.server(), name: name)
        let hello = try pair.clientHello()
        #expect(hello.hostName == sent)
        #expect((hello.extensions[ClientHello.serverName] != nil) == (sent != nil))
    }

    @Test func clientHello_offersTLS13OnlyAndNothingToResume() throws {
        let hello = try MemoryPair.trusting().clientHello()
        #expect(hello.extensions[ClientHello.supportedVersions] == [2, 3, 4])
        #expect(hello.compressionMethods == [0])
        for type in [
            ClientHello.preSharedKey, ClientHello.earlyData, ClientHello.sessionTicket,
            ClientHello.applicationProtocols,
        ] {
            #expect(hello.extensions[type] == nil, "extension \(type)")
        }
    }

    @Test func clientHello_offersProtocols_inTheirOrder() throws {
        var options = TLSOptions()
        options.applicationProtocols = ["b", "parley/1"]
        let pair = try MemoryPair(
            client: certificates.client(options: options), server: certificates.server())
        let offer = try pair.clientHello().extensions[ClientHello.applicationProtocols]
        #expect(offer == [0, 11, 1] + "b".utf8 + [8] + "parley/1".utf8)
    }

    // MARK: After the handshake

    @Test func server_sendsNoTicket() throws {
        let pair = try MemoryPair.trusting()
        pair.client.proceed()
        pair.server.proceed()
        let flight = pair.server.sent.history.count
        pair.client.proceed()
        pair.server.proceed()
        try #require(pair.server.progress == .done)
        #expect(pair.server.sent.history.count == flight)
        // Nor with the first data.
        #expect(try pair.server.write("x") == .moved(1))
        #expect(pair.server.sent.records(since: flight).count == 1)
    }
}

extension MemoryPair {
    /// What the client says first.
    fileprivate func clientHello() throws -> ClientHello {
        client.proceed()
        return try #require(ClientHello(client.sent.history))
    }

    fileprivate func helloCount() -> Int {
        client.proceed()
        return client.sent.history.count
    }
}
