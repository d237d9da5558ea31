// Sessions that can't be opened, and what is said of them.
// SPDX-License-Identifier: Apache-2.0
import ParleyClient
import Testing

@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct ConnectTests {
    // MARK: The network

    @Test(arguments: ["", "host:65536", "host:0", "[::1", "a b:c"])
    func aHostThatNothingCanHave_isInvalid(host: String) async throws {
        try await expectFailure("invalid", at: "'\(host)'", "HOST:PORT") {
            try await Session.open(host)
        }
    }

    @Test func aServerNameThatNothingCanHave_isInvalid() async throws {
        try await expectFailure("invalid", at: "localhost:1", "'not a name'") {
            try await Session.connect(to: "localhost:1", serverName: "not a name")
        }
    }

    /// It names the host once.
    @Test func nobodyThere_isNoConnection() async throws {
        let place = try DeadPlace()
        let error = try await expectFailure("connectionFailed", at: place.text) {
            try await Session.open(place.text)
        }
        #expect(error.sentence.hasPrefix("cannot connect to \(place.text): Connection refused; "))
    }

    @Test func aServerThatSaysNothing_isGivenUp() async throws {
        try await keepingSilent { host in
            try await expectFailure("connectionFailed", at: host, "within 0.1 s") {
                try await Session.connect(
                    to: host, credentials: .of(), connectTimeout: .milliseconds(100))
            }
        }
    }

    @Test func cancellingTheTask_endsTheAttempt() async throws {
        try await keepingSilent { host in
            let connecting = Task { try await Session.open(host) }
            connecting.cancel()
            try await expectFailure("cancelled", at: host) { try await connecting.value }
        }
    }

    @Test func aServerOfAnotherProtocol_isRefused() async throws {
        try await serving(speaking: []) { peer in
            #expect(await peer.rest() == [])
        } ask: { host in
            try await expectFailure(
                "connectionFailed", at: host, "does not offer remote sessions",
                "require client certificates"
            ) { try await Session.open(host) }
        }
    }

    // MARK: Trust

    @Test func aServerOfAnotherCA_isNotTrusted() async throws {
        try await serving("theirs") { _ in
            Issue.record("the handshake succeeded")
        } ask: { host in
            try await expectFailure("notTrusted", at: host, "the credentials' ca") {
                try await Session.open(host)
            }
        }
    }

    @Test func aServerOfAnotherName_isNotTrusted() async throws {
        try await serving { _ in
            Issue.record("the handshake succeeded")
        } ask: { host in
            try await expectFailure("notTrusted", at: host, "other.example", "serverName") {
                try await Session.connect(
                    to: host, credentials: .of(), serverName: "other.example")
            }
        }
    }

    @Test func aServerOfAnotherKey_isNotTrusted() async throws {
        try await serving { _ in
            Issue.record("the handshake succeeded")
        } ask: { host in
            var credentials = try Credentials.of()
            credentials.pins = ["sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]
            try await expectFailure("notTrusted", at: host) {
                try await Session.connect(to: host, credentials: credentials)
            }
        }
    }

    /// The server says so after the handshake (RFC 8446, section 2).
    @Test func aClientOfAnotherCA_isToldAtItsFirstCommand() async throws {
        try await serving { _ in
            Issue.record("the handshake succeeded")
        } ask: { host in
            let sets = try CertificateSets.shared
            let credentials = Credentials(certs: sets["theirs"], ca: sets["ours/ca.pem"])
            let session = try await Session.connect(to: host, credentials: credentials)
            try await expectFailure("notTrusted", at: host, "cert and key") {
                try await session.run("disk")
            }
        }
    }

    @Test func aClientWithoutACertificate_isToldAtItsFirstCommand() async throws {
        try await serving { _ in
            Issue.record("the handshake succeeded")
        } ask: { host in
            let folder = try TemporaryFolder()
            let credentials = Credentials(
                certs: folder.path, ca: try CertificateSets.shared["ours/ca.pem"])
            let session = try await Session.connect(to: host, credentials: credentials)
            try await expectFailure("notTrusted", at: host, "cert and key") {
                try await session.run("disk")
            }
        }
    }

    // MARK: Files

    @Test func credentials_canBeFilesOfAnyName() async throws {
        let sets = try CertificateSets.shared
        let credentials = Credentials(
            ca: sets["ours/ca.pem"], cert: sets["ours/alice.pem"], key: sets["ours/alice.key"])
        let outcome = try await serving { peer in
            try await peer.answer(status: 3)
        } ask: { host in
            let session = try await Session.connect(to: host, credentials: credentials)
            #expect(session.warnings.isEmpty)
            return try await session.run("disk").outcome
        }
        #expect(outcome == .exited(3))
    }

    /// A named folder without a CA must not lead to trusting the whole system's store.
    @Test func aNamedFolderWithoutACA_isRefused() async throws {
        let folder = try TemporaryFolder()
        try await expectFailure("badCredentials", at: "localhost:1", folder["ca.pem"], "ca") {
            try await Session.connect(
                to: "localhost:1", credentials: Credentials(certs: folder.path))
        }
    }

    @Test func aKeyThatOthersCanRead_isRefused() async throws {
        let sets = try CertificateSets.shared
        let folder = try TemporaryFolder()
        try folder.file("open.key", 0o644, contents(of: sets["ours/client.key"]))
        var credentials = try Credentials.of()
        credentials.key = folder["open.key"]
        try await expectFailure("badCredentials", at: "localhost:1", folder["open.key"]) {
            [credentials] in
            try await Session.connect(to: "localhost:1", credentials: credentials)
        }
    }

    @Test func aPinThatIsNone_isRefused() async throws {
        try await expectFailure("badCredentials", at: "localhost:1", "'sha256//x'") {
            try await Session.connect(
                to: "localhost:1", credentials: Credentials(pins: ["sha256//x"]))
        }
    }
}
