// Records handshakes with other programs' clients, which have to put up with the nonce.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Sockets
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(5)), .serialized)
struct RecordingTests {
    /// Clients that are where Parley is tested; the others' handshakes were recorded.
    private static let peers = [
        Transcript(
            name: "openssl", server: .ed25519, client: .p256, hash: 48,
            command: Transcript.sClient()),
        Transcript(
            name: "openssl, after a retry", server: .rsa, client: .pss, hash: 48, retries: true,
            command: Transcript.sClient("-groups P-521:X25519")),
        Transcript(
            name: "gnutls-cli", server: .p256, client: .rsa, hash: 48,
            command: Transcript.gnutls()),
        Transcript(
            name: "python3", server: .p256, client: .ed25519, hash: 48, command: Transcript.python),
        Transcript(
            name: "node", server: .p256, client: .p256, hash: 48, command: Transcript.node),
        Transcript(
            name: "tstclnt", server: .p256, client: .p256, hash: 48, hasALPN: false,
            command: Transcript.nss),
    ].filter { isInstalled(String($0.name.prefix { $0 != "," })) }

    @Test(arguments: peers)
    func client_ignoresTheNonce_andProvesWhoItIs(_ peer: Transcript) async throws {
        let handshake = try await record(peer)
        let proven = try handshake.walk(as: handshake.leaf())
        #expect(proven.identity.description == "email:alice@example.org")
        #expect(proven.speaks("parley/1") == peer.hasALPN)
        expectEmptyErrorQueue()
    }

    /// Writes those of `Transcript.all` whose names begin as `PARLEY_RECORD` says into
    /// `Tests/Transcripts`. It is not run otherwise. `PARLEY_CLIENT`, where it is set, is the client in
    /// place of their own.
    @Test(.enabled(if: variable("PARLEY_RECORD") != nil))
    func record() async throws {
        let names = variable("PARLEY_RECORD") ?? ""
        let ends = try ProofEnds.shared
        for transcript in Transcript.all where transcript.name.hasPrefix(names) {
            for (role, kind) in [("server", transcript.server), ("client", transcript.client)]
            where (try? ends.authority.read("\(role)-\(kind.rawValue).pem")) == nil {
                try ends.issue(role, kind)
            }
            let handshake = try await record(transcript)
            _ = try handshake.walk(as: handshake.leaf())
            let line = "\(transcript.name), of a server with \(openSSLVersion)"
            try write(
                Array(handshake.text(about: line).utf8),
                to: repository("Tests/Transcripts/\(transcript.name)"))
        }
    }

    /// Serves the client once.
    private func record(_ transcript: Transcript) async throws -> RecordedHandshake {
        let ends = try ProofEnds.shared
        let server = try ends.server(transcript.server)
        let role = transcript.isChained ? "chained" : "client"
        let key = "\(role)-\(transcript.client.rawValue)"
        let certificate = transcript.isChained ? "\(key)-chain" : key
        let command = variable("PARLEY_CLIENT") ?? transcript.command
        return try await onLoop { loop in
            let port = try Port(on: loop)
            let shell =
                command
                .replacing("@PORT", with: "\(port.number)")
                .replacing("@CA", with: ends.authority.path("root.pem"))
                .replacing("@CERT", with: ends.authority.path("\(certificate).pem"))
                .replacing("@KEY", with: ends.authority.path("\(key).key"))
            let client = try Stranger(["sh", "-c", shell], on: loop)
            let stream = try await TLSStream(server: server, over: port.accepted())
            let tap = try HandshakeTap(stream)
            try await stream.handshake()
            let handshake = try tap.recorded()
            #expect(stream.transcript == nil)
            try await stream.write(text: "x")
            client.endInput()
            await stream.close()
            return handshake
        }
    }

    private static func isInstalled(_ program: String) -> Bool {
        (try? run(["sh", "-c", "command -v \(program == "tstclnt" ? "tstclnt pk12util" : program)"]))
            != nil
    }
}

/// What the environment says.
private func variable(_ name: String) -> String? {
    unsafe getenv(name).map { unsafe String(cString: $0) }
}
