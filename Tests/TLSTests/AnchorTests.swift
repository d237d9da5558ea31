// Files of CAs: which are taken, what they vouch for, and what is said of what they don't.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Sockets
internal import System
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct AnchorTests {
    private static let made = Result { try Authority(make) }
    let pki: Authority

    init() throws { pki = try Self.made.get() }

    private static func make(_ pki: Authority) throws {
        try pki.certificate("root")
        try pki.certificate("second")
        try pki.certificate("old", dates: ("20200101000000Z", "20200201000000Z"))
        try pki.certificate("future", dates: ("20400101000000Z", "20400201000000Z"))
        try pki.certificate("middle", by: "root")
        try pki.certificate("leaf", "leaf", Authority.client, by: "root")
        try pki.certificate("weak", "weak", Authority.client, by: "root", key: .new(["rsa:1024"]))
        try pki.certificate("server", "server", Authority.server, by: "middle")
        try pki.certificate(
            "broken-ca", "broken", "basicConstraints = DER:30:03:01:01", by: "root")
        try pki.certificate(
            "limited", "limited",
            Authority.ca + "\nnameConstraints = critical, permitted;DNS:a.test",
            by: "root")
        try pki.certificate(
            "laptop", "laptop.b.test", Authority.client, by: "limited", chain: ["limited"])
        try pki.certificate(
            "outside", "x",
            Authority.client + ", DNS:b.test", by: "limited", chain: ["limited"])
        try pki.certificate("twin", "root")
        try pki.certificate("of-twin", "x", Authority.client, by: "twin")
        try pki.certificate("nameless-twin", "root", keyID: false)
        try pki.certificate(
            "of-nameless-twin", "x", Authority.client, by: "nameless-twin", keyID: false)
        try pki.certificate(
            "malformed", "x",
            """
            basicConstraints = critical, CA:FALSE
            extendedKeyUsage = clientAuth
            subjectAltName = DER:30:13:81:11:61:6C
            """, by: "root")
        try pki.certificate("under-broken", "x", Authority.client, by: "root")
        try pki.certificate(
            "expired", "x", Authority.client, by: "root",
            dates: ("20200101000000Z", "20200201000000Z"))
        var issuer = "root"
        var chain: [String] = []
        for depth in 0..<12 {
            try pki.certificate("d\(depth)", by: issuer)
            issuer = "d\(depth)"
            chain.insert(issuer, at: 0)
            if depth == 8 || depth == 11 {
                try pki.certificate(
                    "depth-\(depth)", "x", Authority.client, by: issuer, chain: chain)
            }
        }
        for (name, files) in [
            ("root-and-old", ["root", "old"]), ("leaf-and-root", ["leaf", "root"]),
            ("old-and-future", ["old", "future"]), ("root-and-broken", ["root", "broken-ca"]),
        ] {
            try pki.join(files, into: "\(name).pem")
        }
        for (name, before) in [
            ("indented", " "), ("behind-text", "CA: "), ("apart", "\n\n"), ("marked", "\u{feff}"),
        ] {
            try pki.write("between.txt", before)
            try pki.join(["root", "between.txt", "second"], into: "\(name).pem")
            try pki.join(["between.txt", "root"], into: "\(name)-alone.pem")
        }
        try run([
            "openssl", "x509", "-in", pki.path("second.pem"), "-trustout", "-out",
            pki.path("trusted.pem"),
        ])
        try pki.join(["root", "trusted"], into: "root-and-trusted.pem")
    }

    @Test(
        arguments: [
            ("root", nil), ("middle", nil), ("root-and-old", nil), ("leaf-and-root", nil),
            ("apart", nil), ("marked", nil), ("marked-alone", nil), ("leaf", .notAuthority),
            ("server", .notAuthority), ("old", .expired), ("old-and-future", .expired),
            ("future", .notYetValid), ("broken-ca", .malformed), ("root-and-broken", .malformed),
            ("indented", .malformed), ("behind-text", .malformed), ("indented-alone", .malformed),
            ("root-and-trusted", .malformed),
        ] as [(String, CredentialError.Code?)])
    func file_isTakenOrRefused(_ name: String, _ expected: CredentialError.Code?) {
        #expect(credentialCode { () throws(CredentialError) in try pki.trust(name) } == expected)
    }

    @Test func passedOverBlock_isSaidWithItsLine() throws {
        let error = #expect(throws: CredentialError.self) { try pki.trust("indented") }
        let line = try run(["grep", "-n", " -----BEGIN", pki.path("indented.pem")])
            .prefix { $0 != ":" }
        #expect(error?.sentence.contains("line \(line) ") == true, "\(error!)")
    }

    @Test func leafBesideItsCA_isNoAnchor() throws {
        // Trusted is whom the root vouches for: not what a leaf signs, nor the leaf for itself
        // where it has expired, but the leaf as any other of the root's.
        let trust = try pki.trust("leaf-and-root")
        guard case .certificates(let anchors, _) = trust.anchors else {
            return #expect(Bool(false), "no anchors")
        }
        #expect(anchors.map(\.subject) == ["CN = root"])
    }

    @Test(arguments: ["server", "client"])
    func intermediate_isAnAnchor(for role: String) throws {
        let trust = try pki.trust("middle")
        let pair =
            role == "server"
            ? try pki.pair(server: "server", trusting: trust)
            : try pki.pair(client: "leaf", trusting: trust)
        // The root's own are not let in.
        #expect(pair.clientsVerdict() == nil)
        #expect(pair.serversVerdict() == (role == "server" ? nil : .unknownCA))
    }

    @Test func commonName_isNotMeasuredByNameConstraints() throws {
        let trust = try pki.trust("root")
        let pair = try pki.pair(client: "laptop-chain", key: "laptop", trusting: trust)
        #expect(pair.serversVerdict() == nil)
        let outside = try pki.pair(client: "outside-chain", key: "outside", trusting: trust)
        #expect(outside.serversVerdict() == .certificateInvalid)
    }

    @Test(arguments: ["malformed", "malformed-issuer"])
    func malformedCertificate_isCalledSo(_ what: String) throws {
        if what == "malformed-issuer" {
            try pki.join(["leaf", "broken-ca"], into: "leaf-and-broken.pem")
        }
        let pair = try pki.pair(
            client: what == "malformed" ? what : "leaf-and-broken",
            key: what == "malformed" ? what : "leaf",
            trusting: pki.trust(what == "malformed" ? "root" : "second"))
        #expect(pair.serversVerdict() == .certificateInvalid)
        let text = try #require(pair.server.failure).sentence
        #expect(text.contains("malformed") && !text.contains("unknown CA"), "\(text)")
        #expect(try pair.clientsSentence().contains("malformed"))
    }

    @Test(arguments: [
        ("expired", StreamError.Code.certificateExpired), ("server", .wrongPurpose),
    ])
    func malformedCertificateSentAlong_isNotBlamed_whereItIsNotTheCause(
        _ name: String, _ code: StreamError.Code
    ) throws {
        try pki.join([name, "broken-ca", "middle"], into: "\(name)-and-broken.pem")
        let pair = try pki.pair(
            client: "\(name)-and-broken", key: name, trusting: pki.trust("root"))
        #expect(pair.serversVerdict() == code)
    }

    @Test func anotherCAOfTheSameName_isToldApartByItsKey() throws {
        let pair = try pki.pair(client: "of-twin", trusting: pki.trust("root"))
        #expect(pair.serversVerdict() == .unknownCA)
        let text = try #require(pair.server.failure).sentence
        for name in ["twin", "root"] {
            let id = try #require(Certificate.read(pki.path("\(name).pem"))[0].keyID)
            #expect(text.contains(id), "\(text)")
        }
        #expect(text.contains("same name") && text.contains(pki.path("root.pem")), "\(text)")
        let nameless = try pki.pair(client: "of-nameless-twin", trusting: pki.trust("root"))
        #expect(nameless.serversVerdict() == .unknownCA)
        #expect(nameless.server.failure?.sentence.contains("same name") == true)
    }

    @Test func depth_isLimited() throws {
        let trust = try pki.trust("root")
        let fits = try pki.pair(client: "depth-8-chain", key: "depth-8", trusting: trust)
        #expect(fits.serversVerdict() == nil)
        let deep = try pki.pair(client: "depth-11-chain", key: "depth-11", trusting: trust)
        #expect(deep.serversVerdict() == .certificateInvalid)
    }

    @Test(arguments: [false, true])
    func securityLevel_isNeverBelow2(isClient: Bool) throws {
        // What OPENSSL_CONF does to a new context is tried with the executables.
        let context =
            isClient
            ? try CertificateFixture.shared.client(nil)
            : try CertificateFixture.shared.server(trusting: nil)
        #expect(unsafe SSL_CTX_get_security_level(context.pointer) >= 2)
    }

    @Test func weakKey_isRefused_whenItIsLookedAtAgain() throws {
        let trust = try pki.trust("root")
        let pair = try pki.pair(client: "weak", trusting: trust, level: 0)
        #expect(pair.serversVerdict() == nil)
        let shown = pair.client.stream.shownChain.map(\.entry)
        let chain = try ClientChain(certificateMessage(shown))
        #expect(throws: Never.self) {
            try VerifiedChain(chain, under: pair.server.stream.context)
        }
        let context = try CertificateFixture.shared.server(trusting: trust)
        do throws(ChainRefusal) {
            _ = try VerifiedChain(chain, under: context)
            Issue.record("it is accepted")
        } catch {
            #expect(error.failure.code == .certificateInvalid)
        }
    }
}
