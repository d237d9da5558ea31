// TLS with somebody else's server at the other end: `openssl s_server`.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct OpenSSLServerTests {
    let certificates: CertificateFixture

    init() throws { certificates = try .shared }

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
            try await stream.write(text: "Hello\n")
            #expect(try await stream.readText() == "olleH\n")
            try await stream.write(text: "CLOSE\n")
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
            #expect(
                await failureCode { () async throws(StreamError) in try await stream.readText() }
                    == .truncated)
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
                try await stream.write(text: "answer to \(command)\n")
                try await server.hear("answer to \(command)\n")
            }
            stream.updateKeys()
            try await stream.write(text: "ours are new\n")
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
            #expect(
                await failureCode { () async throws(StreamError) in try await stream.handshake() }
                    == expected)
            let closing = loop.spawn { await stream.close() }
            try await server.hear("alert")
            #expect(await closing.value?.code == expected)
        }
    }

    @Test func opensslServer_thatWantsACertificate_turnsUsAwayAtTheFirstRead() async throws {
        try await onLoop { loop in
            let (server, port) = try await server(options: ["-Verify", "1"], on: loop)
            let stream = try await connect(to: port, certificates.client(nil), on: loop)
            try await stream.handshake()
            #expect(
                await failureCode { () async throws(StreamError) in try await stream.readText() }
                    == .clientCertificateRequired)
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
            #expect(
                await failureCode { () async throws(StreamError) in try await stream.readText() }
                    == .certificateRejected)
            await stream.close()
            _ = _server
        }
    }

    @Test func opensslServer_ofTLS12_isRefusedByDefault() async throws {
        try await onLoop { loop in
            let (_server, port) = try await server(options: ["-tls1_2"], on: loop)
            let stream = try await connect(to: port, certificates.client(), on: loop)
            #expect(
                await failureCode { () async throws(StreamError) in try await stream.handshake() }
                    == .noCommonVersion)
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
            #expect(
                await failureCode { () async throws(StreamError) in try await stream.readText() }
                    != nil)
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
            #expect(
                await failureCode { () async throws(StreamError) in try await stream.readText() }
                    == .truncated)
        }
    }

    @Test func opensslServer_withAPinnedKey_isAcceptedWithoutACA() async throws {
        try await onLoop { loop in
            let (server, port) = try await server("self/server", key: "self/server", on: loop)
            let trust = try Trust(ca: nil, pins: [certificates.pin("self/server")])
            let stream = try await connect(
                to: port, certificates.client(nil, trusting: trust), on: loop)
            try await stream.handshake()
            try await stream.write(text: "Hello\n")
            try await server.hear("Hello\n")
            await stream.close()
        }
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
        try await stream.write(text: "Hello\n")
        try await server.hear("Hello\n")
        try await server.say("Hi there")
        #expect(try await stream.readText() == "Hi there\n")
    }

    private func connect(
        to port: UInt16, _ context: TLSContext, on loop: EventLoop
    ) async throws -> TLSStream {
        let socket = try await Socket.connect(
            to: Endpoint(host: "127.0.0.1", port: port), within: .seconds(20),
            deadlines: Deadlines(),
            loop: loop)
        return try TLSStream(client: context, serverName: ServerName("localhost"), over: socket)
    }
}

extension TLSStream {
    /// Waits until the peer has sent something other than data, such as a KeyUpdate.
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
