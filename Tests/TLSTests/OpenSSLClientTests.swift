// TLS with somebody else's client at the other end: `openssl s_client`.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct OpenSSLClientTests {
    let certificates: CertificateFixture

    init() throws { certificates = try .shared }

    @Test func opensslClient_isServed_andProvesWhoItIs() async throws {
        try await onLoop { loop in
            let (client, stream) = try await served(shownAs("ours/alice"), on: loop)
            #expect(stream.version == "TLSv1.3")
            #expect(stream.peerName == "email:alice@example.org")
            try await client.hear("Verify return code: 0 (ok)")
            try await client.say("Hello")
            #expect(try await stream.readText() == "Hello\n")
            try await stream.write(text: "one\n")
            try await stream.write(text: "two\n")
            try await client.hear("one\ntwo\n")
            try await seeOff(client, stream)
            // Printed as they arrive, were there any.
            let rest = try await client.hearAll()
            #expect(!rest.contains("Session Ticket"))
            #expect(!rest.contains("error"), "\(rest)")
        }
    }

    @Test func opensslClient_changesKeys_whileDataFlows() async throws {
        try await onLoop { loop in
            let (client, stream) = try await served(shownAs("ours/client"), on: loop)
            try await client.hear("Verify return code: 0 (ok)")
            // `k` changes the client's keys only, and `K` asks for ours to be changed as well.
            for command in ["k", "K"] {
                try await client.say(command)
                try await client.hear("KEYUPDATE")
                try await client.say("after \(command)")
                #expect(try await stream.readText() == "after \(command)\n")
                try await stream.write(text: "answer to \(command)\n")
                try await client.hear("answer to \(command)\n")
            }
            stream.updateKeys()
            try await stream.write(text: "ours are new\n")
            try await client.hear("ours are new\n")
            try await client.say("and mine")
            #expect(try await stream.readText() == "and mine\n")
            try await seeOff(client, stream)
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
        try await turnedAway(options, by: certificates.server(), expected, reason)
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
        let trust = try Trust(
            ca: certificates.path("ours/ca.pem"), crl: certificates.path("current.crl"))
        try await turnedAway(
            shownAs(certificate, key: key), by: certificates.server(trusting: trust), expected,
            reason)
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
            let end = loop.spawn {
                await failureCode { () async throws(StreamError) in
                    try await stream.readText()
                }
            }
            let rest = try await client.hearAll()
            #expect(rest.contains("no renegotiation"), "\(rest)")
            #expect(await end.value != nil)
        }
    }

    @Test(
        arguments: [("X25519MLKEM768", PolicyTests.hybrid), ("X25519", 29), ("P-256", 23)]
            .filter { PolicyTests.hasHybrid || $0.1 != PolicyTests.hybrid })
    func opensslClient_isMetAtItsGroup(_ name: String, _ number: UInt16) async throws {
        try await onLoop { loop in
            let (client, stream) = try await served(
                shownAs("ours/client") + ["-groups", name], on: loop)
            #expect(stream.group == number)
            try await seeOff(client, stream)
            #expect(try await client.hearAll().contains("CA names\nCN"))
        }
    }

    @Test func opensslClient_withItsOwnDefaults_agreesOnOurFirstGroup() async throws {
        try await onLoop { loop in
            let (client, stream) = try await served(shownAs("ours/client"), on: loop)
            #expect(stream.group == PolicyTests.groups[0])
            try await seeOff(client, stream)
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
            let (client, stream) = try await served(shownAs("ours/client"), on: loop)
            try await client.hear("Verify return code: 0 (ok)")
            try await client.say("so far")
            #expect(try await stream.readText() == "so far\n")
            client.kill()
            #expect(
                await failureCode { () async throws(StreamError) in try await stream.readText() }
                    == .truncated)
        }
    }

    @Test func opensslClient_sendsMuch_andItAllArrives() async throws {
        try await onLoop { loop in
            let (client, stream) = try await served(shownAs("ours/client"), on: loop)
            try await client.hear("Verify return code: 0 (ok)")
            let line = String(repeating: "0123456789", count: 20_000)
            let arrived = loop.meanwhile { try await stream.read(line.utf8.count + 1) }
            try await client.say(line)
            #expect(String(decoding: try await arrived.value, as: UTF8.self) == line + "\n")
            try await stream.write(text: line + "\n")
            try await client.hear(line + "\n")
            try await seeOff(client, stream)
        }
    }

    /// A client and what serves it, after their handshake.
    private func served(
        _ options: [String], on loop: EventLoop
    ) async throws -> (Stranger, TLSStream) {
        let port = try Port(on: loop)
        let client = try client(of: port, options)
        let stream = try await TLSStream(server: certificates.server(), over: port.accepted())
        try await stream.handshake()
        return (client, stream)
    }

    /// The client ends the session in order.
    private func seeOff(_ client: Stranger, _ stream: TLSStream) async throws {
        client.endInput()
        #expect(try await stream.readText() == nil)
        await stream.close()
    }

    /// A client with these options is refused for this, and says so.
    private func turnedAway(
        _ options: [String], by context: TLSContext, _ expected: StreamError.Code,
        _ reason: String
    ) async throws {
        try await onLoop { loop in
            let port = try Port(on: loop)
            let client = try client(of: port, options)
            let stream = try await TLSStream(server: context, over: port.accepted())
            #expect(
                await failureCode { () async throws(StreamError) in try await stream.handshake() }
                    == expected)
            let closing = loop.spawn { await stream.close() }
            try await client.hear(reason)
            _ = try await client.hearAll()
            #expect(await closing.value?.code == expected)
        }
    }

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
}
