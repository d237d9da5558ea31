// Certificates, keys, trust and lists as files: what is accepted, and what is refused at the start.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Sockets
internal import System
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

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
        ("ours/server.pem/x", .unreadable), ("returns.pem", .notPEM), ("wide.pem", .notPEM),
        ("written-out.pem", .notPEM), ("bundle.pem", .notPEM), ("both.pem", .notPEM),
    ])
    func certificate_isRefused(_ name: String, _ expected: CredentialError.Code) {
        #expect(code(name, "ours/server.key") == expected)
    }

    @Test(
        arguments: [
            ("ours/client.pem", nil), ("ours/alice.pem", .keyMismatch), ("client-good.pem", nil),
            ("client-nul.pem", nil), ("client-only-nul.pem", nil),
            ("client-no-san.pem", nil), ("client-expired.pem", .expired),
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

    @Test func weakKey_isRefused_asOpenSSLsPolicyHasIt() {
        let error = failure("weak.pem", "weak.key")
        #expect(error?.code == .refused)
        #expect(error?.sentence.contains(certificates.path("weak.pem")) == true)
    }

    /// Curves that no version of OpenSSL has a signature of TLS 1.3 for.
    @Test(
        arguments: [
            ("k1", .server, "secp256k1"), ("k1-client", .client, "secp256k1"),
            ("p224", .server, "secp224r1"),
        ] as [(String, Credentials.Purpose, String)])
    func keyThatTLS13CannotUse_isRefused_byItsCurve(
        _ name: String, _ purpose: Credentials.Purpose, _ curve: String
    ) {
        let error = failure("\(name).pem", "\(name).key", purpose)
        #expect(error?.code == .unusableKey)
        #expect(error?.sentence.contains("(\(curve))") == true)
    }

    /// Whoever tries a key with a server's face says of it what a trial of its own would.
    @Test(arguments: ["k1", "p224"])
    func keyThatTLS13CannotUse_isRefusedWithTheFace_asByItself(_ name: String) throws {
        let (certificate, key) = (
            certificates.path("\(name).pem"), certificates.path("\(name).key")
        )
        let alone = failure("\(name).pem", "\(name).key", .server)
        let credentials = try Credentials(
            certificate: certificate, key: key, purpose: .server, trial: .withFace)
        let server = try TLSContext(serverWith: credentials, clientTrust: nil)
        let error = #expect(throws: CredentialError.self) { try server.rehearseFace() }
        #expect(error?.sentence == alone?.sentence)
        expectEmptyErrorQueue()
    }

    @Test func curveGivenByParameters_isRefused() {
        #expect(code("explicit.pem", "explicit.key") == .unusableKey)
    }

    // MARK: Chains

    @Test func leaf_isFoundByItsKey_andSentFirst() throws {
        let credentials = try Credentials(
            certificate: certificates.path("leaf-last.pem"),
            key: certificates.path("ours/server.key"), purpose: .server)
        #expect(credentials.chain.map(\.subject) == ["CN = localhost", "CN = intermediate"])
        #expect(credentials.warnings.count == 1)
        #expect(credentials.warnings[0].contains("leaf-last.pem"))
        let client = try certificates.client(trusting: Trust(ca: certificates.path("root.pem")))
        let server = try TLSContext(serverWith: credentials, clientTrust: nil)
        #expect(server.warnings == credentials.warnings)
        try MemoryPair(client: client, server: server).establish()
    }

    @Test func expiredIntermediate_isWarnedOf() throws {
        let credentials = try Credentials(
            certificate: certificates.path("old-chain.pem"),
            key: certificates.path("ours/server.key"), purpose: .server)
        #expect(credentials.warnings.count == 1)
        #expect(credentials.warnings[0].contains("expired on 2020-02-01"))
    }

    @Test(arguments: ["ours/server.pem", "chain.pem", "talkative.pem"])
    func goodChain_isNotWarnedOf(_ name: String) throws {
        let credentials = try Credentials(
            certificate: certificates.path(name), key: certificates.path("ours/server.key"),
            purpose: .server)
        #expect(credentials.warnings.isEmpty)
    }

    // MARK: What the sentences advise

    @Test(
        arguments: [
            ("server-expired.pem", "ours/server.key", .server, "have its CA issue a new one"),
            ("server-no-san.pem", "ours/server.key", .server, "with the server's names"),
            ("ours/client.pem", "ours/client.key", .server, "is for a client, not for a server"),
            ("ours/server.pem", "ours/server.key", .client, "is for a server, not for a client"),
            ("ours/ca.pem", "ours/client.key", .client, "is a CA's certificate"),
            ("ours/ca.pem", "ours/server.key", .server, "is a CA's certificate"),
            ("other/server.pem", "ours/server.key", .server, "that belong together"),
            ("der.pem", "ours/server.key", .server, "openssl x509 -inform DER"),
            ("both.pem", "ours/server.key", .server, "openssl pkcs12 -noenc"),
            ("bundle.pem", "ours/server.key", .server, "openssl pkcs7 -print_certs"),
            ("returns.pem", "ours/server.key", .server, "carriage returns"),
            ("written-out.pem", "ours/server.key", .server, "written out as \\n"),
            ("wide.pem", "ours/server.key", .server, "UTF-16"),
            ("ours/server.pem", "der.key", .server, "openssl pkey -inform DER"),
            ("ours/server.pem", "both.pem", .server, "openssl pkcs12 -noenc"),
            ("ours/server.pem", "returns.key", .server, "carriage returns"),
            ("ours/server.pem", "openssh.key", .server, "ssh-keygen"),
            ("ours/server.pem", "encrypted.key", .server, "openssl pkey"),
        ] as [(String, String, Credentials.Purpose, String)])
    func sentence_namesTheStepThatMendsIt(
        _ certificate: String, _ key: String, _ purpose: Credentials.Purpose, _ step: String
    ) throws {
        let text = try #require(failure(certificate, key, purpose)).sentence
        #expect(text.contains(step), "\(text)")
        // It replaces a whole set, CA and clients and all; and a server has no such script.
        #expect(!text.contains("--force"), "\(text)")
        #expect(!text.contains("scripts/"), "\(text)")
    }

    /// A command is pasted into a shell as it is.
    @Test(arguments: ["der.key", "encrypted.key", "der.pem"])
    func commandInASentence_hasThePathAsAShellTakesIt(_ name: String) throws {
        let odd = certificates.path("it's $(an) odd \(name)")
        try run(["cp", "-p", certificates.path(name), odd])
        let good = certificates.path("ours/server.key")
        let error = #expect(throws: CredentialError.self) {
            _ = try Credentials(
                certificate: name == "der.pem" ? odd : certificates.path("ours/server.pem"),
                key: name == "der.pem" ? good : odd, purpose: .server)
        }
        let text = try #require(error).sentence
        let word = "'" + odd.split(separator: "'").joined(separator: #"'\''"#) + "'"
        #expect(text.contains(" -in \(word) -out FILE"), "\(text)")
    }

    // MARK: Trust

    @Test(
        arguments: [
            ("ours/ca.pem", nil), ("both-cas.pem", nil), ("twice.pem", nil), ("self/ca.pem", nil),
            ("nowhere.pem", .missing), ("empty.pem", .empty), ("text.pem", .notPEM),
            ("ours/server.key", .notPEM), ("garbage.pem", .malformed), ("folder.pem", .unreadable),
        ] as [(String, CredentialError.Code?)])
    func ca_isReadOrRefused(_ name: String, _ expected: CredentialError.Code?) {
        let refusal = credentialCode { () throws(CredentialError) in
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
        let refusal = credentialCode { () throws(CredentialError) in
            try Trust(ca: certificates.path("ours/ca.pem"), crl: certificates.path(name))
        }
        #expect(refusal == expected)
    }

    @Test func text_namesTheFile() {
        let path = certificates.path("nowhere.pem")
        let error = #expect(throws: CredentialError.self) { try Trust(ca: path) }
        #expect(error?.sentence.contains(path) == true)
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
        failure(certificate, key, purpose)?.code
    }

    private func failure(
        _ certificate: String, _ key: String, _ purpose: Credentials.Purpose = .server
    ) -> CredentialError? {
        defer { expectEmptyErrorQueue() }
        do throws(CredentialError) {
            _ = try Credentials(
                certificate: certificates.path(certificate), key: certificates.path(key),
                purpose: purpose)
            return nil
        } catch {
            return error
        }
    }
}
