// Certificates, keys, trust and lists as files: what is accepted, and what is refused at the start.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Sockets
internal import Testing

@testable internal import TLS

@Suite(.timeLimit(.minutes(1)))
struct CredentialsTests {
    let certificates: CertificateFixture

    init() throws { certificates = try .shared }

    // MARK: Certificates

    @Test(arguments: [
        "ours/server.pem", "self/server.pem", "server-good.pem", "chain.pem", "combined.pem",
        "talkative.pem", "server-nul-and-good.pem", "name-address.pem",
    ])
    func certificate_isAccepted(_ name: String) throws {
        let key = name == "self/server.pem" ? "self/server.key" : "ours/server.key"
        #expect(code(name, key) == nil)
    }

    @Test(arguments: [
        ("nowhere.pem", CredentialError.Code.missing), ("empty.pem", .empty),
        ("text.pem", .notPEM), ("ours/server.key", .notPEM), ("der.pem", .notPEM),
        ("current.crl", .notPEM), ("garbage.pem", .malformed), ("cut.pem", .malformed),
        ("good-and-garbage.pem", .malformed), ("folder.pem", .unreadable),
        ("pipe.pem", .unreadable), ("huge.pem", .unreadable), ("server-expired.pem", .expired),
        ("server-not-yet-valid.pem", .notYetValid), ("server-no-san.pem", .nameless),
        ("server-nul.pem", .nameless), ("server-control.pem", .nameless),
        ("server-wrong-purpose.pem", .wrongPurpose), ("client-good.pem", .wrongPurpose),
        ("ours/client.pem", .wrongPurpose), ("other/server.pem", .keyMismatch),
        ("ours/server.pem/x", .unreadable),
    ])
    func certificate_isRefused(_ name: String, _ expected: CredentialError.Code) {
        #expect(code(name, "ours/server.key") == expected)
    }

    @Test(
        arguments: [
            ("ours/client.pem", nil), ("ours/alice.pem", .keyMismatch), ("client-good.pem", nil),
            ("client-nul.pem", nil), ("client-only-nul.pem", .nameless),
            ("client-no-san.pem", .nameless), ("client-expired.pem", .expired),
            ("client-not-yet-valid.pem", .notYetValid), ("client-wrong-purpose.pem", .wrongPurpose),
            ("ours/server.pem", .wrongPurpose),
        ] as [(String, CredentialError.Code?)])
    func clientCertificate_isCheckedForItsOwnPurpose(
        _ name: String, _ expected: CredentialError.Code?
    ) {
        #expect(code(name, "ours/client.key", .client) == expected)
    }

    // MARK: Keys

    @Test(arguments: [
        "ours/server.key", "old.key", "parameters.key", "only-readable.key", "combined.pem",
    ])
    func key_isAccepted(_ name: String) throws {
        #expect(code("ours/server.pem", name) == nil)
    }

    @Test(arguments: [
        ("nowhere.key", CredentialError.Code.missing), ("empty.pem", .empty),
        ("text.pem", .notPEM), ("der.key", .notPEM), ("garbage.key", .malformed),
        ("cut.key", .malformed), ("encrypted.key", .encryptedKey),
        ("encrypted-old.key", .encryptedKey), ("readable.key", .keyReadableByOthers),
        ("folder.pem", .unreadable),
        ("pipe.pem", .unreadable), ("ours/client.key", .keyMismatch), ("rsa.key", .keyMismatch),
    ])
    func key_isRefused(_ name: String, _ expected: CredentialError.Code) {
        #expect(code("ours/server.pem", name) == expected)
    }

    @Test func key_mayBeLentToAGroup_byRootOnly() {
        let isRoots = geteuid() == 0
        let code = code("ours/server.pem", "readable-by-group.key")
        #expect(code == (isRoots ? nil : .keyReadableByOthers))
    }

    @Test func mismatch_isRefusedEveryTime() {
        // Each time a key was read that has to be freed, and freed once.
        for _ in 0..<200 {
            #expect(code("ours/server.pem", "ours/client.key") == .keyMismatch)
        }
    }

    @Test func weakKey_isRefused_byTheContext() throws {
        let credentials = try Credentials(
            certificate: certificates.path("weak.pem"), key: certificates.path("weak.key"),
            purpose: .server)
        let refusal = credentialCode {
            try TLSContext(serverWith: credentials, clientTrust: nil)
        }
        #expect(refusal == .refused)
    }

    // MARK: Trust

    @Test(
        arguments: [
            ("ours/ca.pem", nil), ("both-cas.pem", nil), ("twice.pem", nil), ("self/ca.pem", nil),
            ("nowhere.pem", .missing), ("empty.pem", .empty), ("text.pem", .notPEM),
            ("ours/server.key", .notPEM), ("garbage.pem", .malformed), ("folder.pem", .unreadable),
        ] as [(String, CredentialError.Code?)])
    func ca_isReadOrRefused(_ name: String, _ expected: CredentialError.Code?) {
        let refusal = credentialCode {
            try TLSContext(
                clientTrusting: Trust(ca: certificates.path(name)), credentials: nil)
        }
        #expect(refusal == expected)
    }

    @Test(
        arguments: [
            ("current.crl", nil), ("both.crl", nil), ("nowhere.crl", .missing),
            ("empty.pem", .empty),
            ("ours/ca.pem", .notPEM), ("garbage.crl", .malformed),
        ] as [(String, CredentialError.Code?)])
    func crl_isReadOrRefused(_ name: String, _ expected: CredentialError.Code?) {
        let refusal = credentialCode {
            try Trust(ca: certificates.path("ours/ca.pem"), crl: certificates.path(name))
        }
        #expect(refusal == expected)
    }

    @Test func text_namesTheFile() {
        let path = certificates.path("nowhere.pem")
        let error = #expect(throws: CredentialError.self) { try Trust(ca: path) }
        #expect(error?.description.contains(path) == true)
    }

    // MARK: Once read

    @Test func context_isGood_afterItsFilesAreGone() throws {
        // Everything is read when it is constructed, and nothing later.
        let folder = certificates.path("short-lived")
        try run(["cp", "-r", certificates.path("ours"), folder])
        let trust = try Trust(ca: "\(folder)/ca.pem")
        let credentials = try Credentials(
            certificate: "\(folder)/server.pem", key: "\(folder)/server.key", purpose: .server)
        try run(["rm", "-r", folder])
        let client = try TLSContext(clientTrusting: trust, credentials: nil)
        let server = try TLSContext(serverWith: credentials, clientTrust: nil)
        try MemoryPair(client: client, server: server).establish()
    }

    @Test func context_servesManyConnections() throws {
        let (client, server) = (try certificates.client(), try certificates.server())
        for _ in 0..<10 { try MemoryPair(client: client, server: server).establish() }
    }

    private func code(
        _ certificate: String, _ key: String, _ purpose: Credentials.Purpose = .server
    ) -> CredentialError.Code? {
        credentialCode {
            try Credentials(
                certificate: certificates.path(certificate), key: certificates.path(key),
                purpose: purpose)
        }
    }
}
