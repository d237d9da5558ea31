// TLS with somebody else's programs at the other end: `openssl s_client` and `openssl s_server`.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import Testing

@testable internal import TLS

@Suite(.timeLimit(.minutes(1)))
struct StrangerTests {
    let certificates: CertificateFixture

    init() throws { certificates = try .shared }

    // MARK: s_client

    @Test func opensslClient_isServed_andProvesWhoItIs() async throws {
        try await onLoop { loop in
            let port = try Port(on: loop)
            let client = try client(of: port, shownAs("ours/alice"))
            let stream = try await TLSStream(server: certificates.server(), over: port.accepted())
            try await stream.handshake()
            #expect(stream.version == "TLSv1.3")
            #expect(stream.peerName == "email:alice@example.org")
            try await client.hear("Verify return code: 0 (ok)")
            try await client.say("Hello")
            #expect(try await stream.readText() == "Hello\n")
            try await stream.write("one\n")
            try await stream.write("two\n")
            try await client.hear("one\ntwo\n")
            client.endInput()
            #expect(try await stream.readText() == nil)
            await stream.close()
            // Printed as they arrive, were there any.
            let rest = try await client.hearAll()
            #expect(!rest.contains("Session Ticket"))
            #expect(!rest.contains("error"), "\(rest)")
        }
    }

    @Test func opensslClient_changesKeys_whileDataFlows() async throws {
        try await onLoop { loop in
            let port = try Port(on: loop)
            let client = try client(of: port, shownAs("ours/client"))
            let stream = try await TLSStream(server: certificates.server(), over: port.accepted())
            try await stream.handshake()
            try await client.hear("Verify return code: 0 (ok)")
            // `k` changes the client's keys only, and `K` asks for ours to be changed as well.
            for command in ["k", "K"] {
                try await client.say(command)
                try await client.hear("KEYUPDATE")
                try await client.say("after \(command)")
                #expect(try await stream.readText() == "after \(command)\n")
                try await stream.write("answer to \(command)\n")
                try await client.hear("answer to \(command)\n")
            }
            stream.updateKeys()
            try await stream.write("ours are new\n")
            try await client.hear("ours are new\n")
            try await client.say("and mine")
            #expect(try await stream.readText() == "and mine\n")
            client.endInput()
            #expect(try await stream.readText() == nil)
            await stream.close()
        }
    }

    @Test(arguments: [
        (["-tls1_2"], StreamError.Code.noCommonVersion, "alert protocol version"),
        (["-tls1_3"], .clientCertificateRequired, "alert certificate required"),
        (
            ["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"], .noCommonCipher,
            "alert handshake failure"
        ),
        (["-groups", "P-521"], .noCommonCipher, "alert handshake failure"),
    ])
    func opensslClient_isTurnedAway_andToldWhy(
        _ options: [String], _ expected: StreamError.Code, _ reason: String
    ) async throws {
        try await onLoop { loop in
            let port = try Port(on: loop)
            let client = try client(of: port, options)
            let stream = try await TLSStream(server: certificates.server(), over: port.accepted())
            #expect(await code { try await stream.handshake() } == expected)
            async let closing = stream.close()
            try await client.hear(reason)
            _ = try await client.hearAll()
            #expect(await closing?.code == expected)
        }
    }

    @Test(arguments: [
        ("other/client", "other/client.key", StreamError.Code.unknownCA, "alert unknown ca"),
        (
            "client-expired", "ours/client.key", .certificateExpired, "alert certificate expired"
        ),
        (
            "client-revoked", "ours/client.key", .certificateRevoked, "alert certificate revoked"
        ),
        (
            "client-wrong-purpose", "ours/client.key", .wrongPurpose,
            "alert unsupported certificate"
        ),
    ])
    func opensslClient_withABadCertificate_isToldWhatIsWrong(
        _ certificate: String, _ key: String, _ expected: StreamError.Code, _ reason: String
    ) async throws {
        try await onLoop { loop in
            let port = try Port(on: loop)
            let client = try client(of: port, shownAs(certificate, key: key))
            let trust = try Trust(
                ca: certificates.path("ours/ca.pem"), crl: certificates.path("current.crl"))
            let stream = try await TLSStream(
                server: certificates.server(trusting: trust), over: port.accepted())
            #expect(await code { try await stream.handshake() } == expected)
            async let closing = stream.close()
            try await client.hear(reason)
            _ = try await client.hearAll()
            #expect(await closing?.code == expected)
        }
    }

    @Test func opensslClient_ofTLS12_isServed_whereItIsAllowed() async throws {
        var options = TLSOptions()
        options.minimum = .tls12
        options.applicationProtocols = ["parley/1"]
        try await onLoop { [options] loop in
            let port = try Port(on: loop)
            let client = try client(
                of: port, shownAs("ours/client") + ["-tls1_2", "-alpn", "other,parley/1"])
            let stream = try await TLSStream(
                server: certificates.server(options: options), over: port.accepted())
            try await stream.handshake()
            #expect(stream.version == "TLSv1.2")
            // What is built on ALPN here counts on TLS 1.3.
            #expect(stream.applicationProtocol == nil)
            let said = try await client.hear("Verify return code: 0 (ok)")
            #expect(said.contains("No ALPN negotiated"))
            #expect(!said.contains("session ticket"))
            #expect(said.contains("Compression: NONE"))
            // A client that wants to negotiate again gets no second handshake.
            try await client.say("R")
            async let end = code { try await stream.readText() }
            let rest = try await client.hearAll()
            #expect(rest.contains("no renegotiation"), "\(rest)")
            #expect(await end != nil)
        }
    }

    @Test(
        arguments: [("X25519MLKEM768", PolicyTests.hybrid), ("X25519", 29), ("P-256", 23)]
            .filter { PolicyTests.hasHybrid || $0.1 != PolicyTests.hybrid })
    func opensslClient_isMetAtItsGroup(_ name: String, _ number: UInt16) async throws {
        try await onLoop { loop in
            let port = try Port(on: loop)
            let client = try client(of: port, shownAs("ours/client") + ["-groups", name])
            let stream = try await TLSStream(server: certificates.server(), over: port.accepted())
            try await stream.handshake()
            #expect(stream.group == number)
            client.endInput()
            #expect(try await stream.readText() == nil)
            await stream.close()
            #expect(try await client.hearAll().contains("CA names\nCN"))
        }
    }

    @Test func opensslClient_withItsOwnDefaults_agreesOnOurFirstGroup() async throws {
        try await onLoop { loop in
            let port = try Port(on: loop)
            let client = try client(of: port, shownAs("ours/client"))
            let stream = try await TLSStream(server: certificates.server(), over: port.accepted())
            try await stream.handshake()
            #expect(stream.group == PolicyTests.groups[0])
            client.endInput()
            #expect(try await stream.readText() == nil)
            await stream.close()
        }
    }

    @Test func opensslClient_resumesNothing() async throws {
        var options = TLSOptions()
        options.minimum = .tls12
        try await onLoop { [options] loop in
            let port = try Port(on: loop)
            let context = try certificates.server(options: options)
            // Connects six times, the last five with the session of the first.
            let client = try client(of: port, shownAs("ours/client") + ["-tls1_2", "-reconnect"])
            for round in 1...6 {
                let stream = try await TLSStream(server: context, over: port.accepted())
                try await stream.handshake()
                #expect(stream.peerName == "dns:client")
                if round == 6 { client.endInput() }
                #expect(try await stream.readText() == nil)
                await stream.close()
            }
            let said = try await client.hearAll()
            #expect(said.split(separator: "\n").count { $0.hasPrefix("New, TLSv1.2") } == 6)
            #expect(!said.contains("Reused"))
        }
    }

    @Test func opensslClient_thatIsKilled_isTruncation() async throws {
        try await onLoop { loop in
            let port = try Port(on: loop)
            let client = try client(of: port, shownAs("ours/client"))
            let stream = try await TLSStream(server: certificates.server(), over: port.accepted())
            try await stream.handshake()
            try await client.hear("Verify return code: 0 (ok)")
            try await client.say("so far")
            #expect(try await stream.readText() == "so far\n")
            client.kill()
            #expect(await code { try await stream.readText() } == .truncated)
        }
    }

    @Test func opensslClient_sendsMuch_andItAllArrives() async throws {
        try await onLoop { loop in
            let port = try Port(on: loop)
            let client = try client(of: port, shownAs("ours/client"))
            let stream = try await TLSStream(server: certificates.server(), over: port.accepted())
            try await stream.handshake()
            try await client.hear("Verify return code: 0 (ok)")
            let line = String(repeating: "0123456789", count: 20_000)
            async let arrived = stream.read(line.utf8.count + 1)
            try await client.say(line)
            #expect(String(decoding: try await arrived, as: UTF8.self) == line + "\n")
            try await stream.write(line + "\n")
            try await client.hear(line + "\n")
            client.endInput()
            #expect(try await stream.readText() == nil)
            await stream.close()
        }
    }

    // MARK: s_server

    @Test(arguments: ["-tls1_3", "-tls1_2"])
    func opensslServer_isTalkedTo_toItsCleanEnd(_ version: String) async throws {
        var options = TLSOptions()
        options.minimum = .tls12
        options.applicationProtocols = ["parley/1"]
        try await onLoop { [options] loop in
            // Sends back each line in reverse.
            let (server, port) = try await server(
                options: [version, "-rev", "-Verify", "1", "-alpn", "other,parley/1"], on: loop)
            let client = try certificates.client(
                "ours/alice.pem", key: "ours/alice.key", options: options)
            let stream = try await connect(to: port, client, on: loop)
            try await stream.handshake()
            #expect(stream.version == (version == "-tls1_3" ? "TLSv1.3" : "TLSv1.2"))
            #expect(stream.peerName == "dns:localhost")
            #expect(stream.applicationProtocol == "parley/1")
            try await stream.write("Hello\n")
            #expect(try await stream.readText() == "olleH\n")
            try await stream.write("CLOSE\n")
            #expect(try await stream.readText() == nil)
            await stream.close()
            let said = try await server.hearAll()
            // OpenSSL 3.0 puts spaces around the sign; 3.5 doesn't.
            #expect(said.contains(/CN ?= ?alice/), "\(said)")
        }
    }

    @Test func opensslServer_thatQuits_isTruncation() async throws {
        try await onLoop { loop in
            let (server, port) = try await server(on: loop)
            let stream = try await connect(to: port, certificates.client(), on: loop)
            try await stream.handshake()
            try await exchange(stream, server)
            // The command closes its socket and sends no close_notify.
            try await server.say("Q")
            #expect(await code { try await stream.readText() } == .truncated)
            await stream.close()
        }
    }

    @Test func opensslServer_changesKeys_whileDataFlows() async throws {
        try await onLoop { loop in
            let (server, port) = try await server(on: loop)
            let stream = try await connect(to: port, certificates.client(), on: loop)
            try await stream.handshake()
            try await exchange(stream, server)
            for command in ["k", "K"] {
                try await server.say(command)
                try await stream.untilSomethingElseCame()
                try await server.say("after \(command)")
                #expect(try await stream.readText() == "after \(command)\n")
                try await stream.write("answer to \(command)\n")
                try await server.hear("answer to \(command)\n")
            }
            stream.updateKeys()
            try await stream.write("ours are new\n")
            try await server.hear("ours are new\n")
            try await server.say("and mine")
            #expect(try await stream.readText() == "and mine\n")
            await stream.close()
        }
    }

    @Test(arguments: [
        ("server-expired", "ours/server", StreamError.Code.certificateExpired),
        ("server-wrong-name", "ours/server", .wrongHost),
        ("server-wrong-purpose", "ours/server", .wrongPurpose),
        ("other/server", "other/server", .unknownCA), ("self/server", "self/server", .selfSigned),
    ])
    func opensslServer_withABadCertificate_isRefused_andToldSo(
        _ certificate: String, _ key: String, _ expected: StreamError.Code
    ) async throws {
        try await onLoop { loop in
            let (server, port) = try await server(certificate, key: key, on: loop)
            let stream = try await connect(to: port, certificates.client(), on: loop)
            #expect(await code { try await stream.handshake() } == expected)
            async let closing = stream.close()
            try await server.hear("alert")
            #expect(await closing?.code == expected)
        }
    }

    @Test func opensslServer_thatWantsACertificate_turnsUsAwayAtTheFirstRead() async throws {
        try await onLoop { loop in
            let (server, port) = try await server(options: ["-Verify", "1"], on: loop)
            let stream = try await connect(to: port, certificates.client(nil), on: loop)
            try await stream.handshake()
            #expect(await code { try await stream.readText() } == .clientCertificateRequired)
            try await server.hear("peer did not return a certificate")
            await stream.close()
        }
    }

    @Test func opensslServer_thatDoesNotTrustUs_turnsUsAwayAtTheFirstRead() async throws {
        try await onLoop { loop in
            let (_server, port) = try await server(
                options: ["-Verify", "1", "-verify_return_error"], on: loop)
            let stream = try await connect(
                to: port, certificates.client("other/client.pem", key: "other/client.key"),
                on: loop)
            try await stream.handshake()
            #expect(await code { try await stream.readText() } == .certificateRejected)
            await stream.close()
            _ = _server
        }
    }

    @Test func opensslServer_ofTLS12_isRefusedByDefault() async throws {
        try await onLoop { loop in
            let (_server, port) = try await server(options: ["-tls1_2"], on: loop)
            let stream = try await connect(to: port, certificates.client(), on: loop)
            #expect(await code { try await stream.handshake() } == .noCommonVersion)
            await stream.close()
            _ = _server
        }
    }

    @Test func opensslServer_thatNegotiatesAgain_getsNoSecondHandshake() async throws {
        var options = TLSOptions()
        options.minimum = .tls12
        try await onLoop { [options] loop in
            let (server, port) = try await server(options: ["-tls1_2"], on: loop)
            let stream = try await connect(
                to: port, certificates.client(options: options), on: loop)
            try await stream.handshake()
            try await exchange(stream, server)
            try await server.say("r")
            #expect(await code { try await stream.readText() } != nil)
            try await server.hear("no renegotiation")
        }
    }

    @Test func opensslServer_thatIsKilled_isTruncation() async throws {
        try await onLoop { loop in
            let (server, port) = try await server(on: loop)
            let stream = try await connect(to: port, certificates.client(), on: loop)
            try await stream.handshake()
            try await exchange(stream, server)
            try await server.say("so far")
            #expect(try await stream.readText() == "so far\n")
            server.kill()
            #expect(await code { try await stream.readText() } == .truncated)
        }
    }

    @Test func opensslServer_withAPinnedKey_isAcceptedWithoutACA() async throws {
        try await onLoop { loop in
            let (server, port) = try await server("self/server", key: "self/server", on: loop)
            let trust = try Trust(ca: nil, pins: [certificates.pin("self/server")])
            let stream = try await connect(
                to: port, certificates.client(nil, trusting: trust), on: loop)
            try await stream.handshake()
            try await stream.write("Hello\n")
            try await server.hear("Hello\n")
            await stream.close()
        }
    }

    // MARK: Starting them

    /// `openssl s_client`, which trusts `ours/ca.pem`, verifies the name `localhost`, and is told
    /// by no session file or setting of this machine's.
    private func client(of port: Port, _ options: [String]) throws -> Stranger {
        try Stranger(
            [
                "openssl", "s_client", "-connect", "127.0.0.1:\(port.number)",
                "-servername", "localhost", "-verify_hostname", "localhost",
                "-verify_return_error", "-CAfile", certificates.path("ours/ca.pem"),
            ] + options, on: port.loop)
    }

    private func shownAs(_ certificate: String, key: String? = nil) -> [String] {
        [
            "-cert", certificates.path("\(certificate).pem"),
            "-key", certificates.path(key ?? "\(certificate).key"),
        ]
    }

    /// `openssl s_server` on a port that the kernel chose, for one connection, trusting
    /// `ours/ca.pem` where it is to verify its client.
    private func server(
        _ certificate: String = "ours/server", key: String = "ours/server",
        options: [String] = [], on loop: EventLoop
    ) async throws -> (Stranger, UInt16) {
        let server = try Stranger(
            [
                "openssl", "s_server", "-accept", "127.0.0.1:0", "-naccept", "1",
                "-CAfile", certificates.path("ours/ca.pem"),
                "-cert", certificates.path("\(certificate).pem"),
                "-key", certificates.path("\(key).key"),
            ] + options, on: loop)
        try await server.hear("ACCEPT 127.0.0.1:")
        let port = try await server.hear("\n").dropLast()
        return (server, try #require(UInt16(port)))
    }

    /// A line each way, so that `s_server` is done with its handshake and its tickets are here.
    private func exchange(_ stream: TLSStream, _ server: Stranger) async throws {
        try await stream.write("Hello\n")
        try await server.hear("Hello\n")
        try await server.say("Hi there")
        #expect(try await stream.readText() == "Hi there\n")
    }

    private func connect(
        to port: UInt16, _ context: TLSContext, on loop: EventLoop
    ) async throws -> TLSStream {
        let socket = try await Socket.connect(
            to: Endpoint(host: "127.0.0.1", port: port), within: 20, deadlines: Deadlines(),
            loop: loop)
        return try TLSStream(client: context, serverName: ServerName("localhost"), over: socket)
    }
}

extension TLSStream {
    /// Waits until the peer has sent something that is no data, such as a KeyUpdate.
    fileprivate func untilSomethingElseCame() async throws {
        let count = channel.received
        while true {
            var attempt = Attempt.ended
            _ = try [UInt8](capacity: 1) { (room) throws(StreamError) in
                attempt = try attemptRead(into: &room)
            }
            #expect(attempt == .blocked(.read))
            if attempt != .blocked(.read) || channel.received != count { return }
            try await channel.wait(for: .read)
        }
    }
}
