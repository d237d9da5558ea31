// The bad certificates, keys and lists of the fixture, named for their fault.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// What `scripts/generate-certs` would not issue, made beside its sets.
struct BadCertificates {
    private let pki: Authority

    /// - Parameter pki: works in the fixture's folder.
    init(_ pki: Authority) { self.pki = pki }

    /// A certificate for one of the keys `ours/server.key` and `ours/client.key`.
    private struct Leaf {
        var role = Role.server
        /// As openssl.cnf has it; nil for no names.
        var names: String? = "DNS:localhost,IP:127.0.0.1"
        var commonName = "localhost"
        var usage: String?
        var start = "20250101000000Z"
        var end = "20450101000000Z"
        /// Whose certificate, and whose key, signs it.
        var issuer = ("ours/ca", "ours/ca")
        var isAuthority = false

        var extensions: String {
            let purpose = usage ?? (role == .server ? "serverAuth" : "clientAuth")
            let kind =
                isAuthority
                ? "basicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign, cRLSign"
                : """
                basicConstraints = critical, CA:FALSE
                keyUsage = critical, digitalSignature
                extendedKeyUsage = \(purpose)
                """
            return kind + (names.map { "\nsubjectAltName = \($0)" } ?? "")
        }
    }

    private static let leaves: [(String, Leaf)] = [
        ("server-good", Leaf()),
        ("server-expired", Leaf(start: "20200101000000Z", end: "20200201000000Z")),
        ("server-not-yet-valid", Leaf(start: "20400101000000Z", end: "20400201000000Z")),
        ("server-wrong-name", Leaf(names: "DNS:other.example,IP:192.0.2.1,email:a@example.org")),
        ("server-wrong-purpose", Leaf(usage: "clientAuth")),
        ("server-no-san", Leaf(names: nil)),
        ("server-revoked", Leaf()),
        ("server-nul", Leaf(names: der([(2, "localhost\0.example.net")]))),
        ("server-control", Leaf(names: der([(2, "localhost\n")]))),
        ("server-nul-and-good", Leaf(names: der([(2, "evil\0.example"), (2, "localhost")]))),
        ("client-good", Leaf(role: .client, names: "email:a@example.org,URI:spiffe://a/b")),
        (
            "client-expired",
            Leaf(role: .client, start: "20200101000000Z", end: "20200201000000Z")
        ),
        (
            "client-not-yet-valid",
            Leaf(role: .client, start: "20400101000000Z", end: "20400201000000Z")
        ),
        ("client-wrong-purpose", Leaf(role: .client, usage: "serverAuth")),
        ("client-no-san", Leaf(role: .client, names: nil, commonName: "client")),
        ("client-revoked", Leaf(role: .client)),
        (
            "client-nul",
            Leaf(
                role: .client,
                names: der([
                    (1, "alice@example.org\0.example.net"), (2, "a\u{1b}[2J"), (7, "12345"),
                    (2, "good"), (7, "1234"),
                ])
            )
        ),
        ("client-only-nul", Leaf(role: .client, names: der([(1, "alice@example.org\0")]))),
        ("name-wildcard", Leaf(names: "DNS:*.example.org")),
        ("name-partial-wildcard", Leaf(names: "DNS:w*.example.org,DNS:*w.example.org")),
        ("name-inner-wildcard", Leaf(names: "DNS:a.*.example.org")),
        ("name-top-wildcard", Leaf(names: "DNS:*.org,DNS:*")),
        ("name-upper-case", Leaf(names: "DNS:WWW.Example.ORG")),
        ("name-address", Leaf(names: "IP:192.0.2.7,IP:2001:db8::7")),
        ("name-address-as-text", Leaf(names: "DNS:192.0.2.7,DNS:2001.db8")),
        ("name-other-kinds", Leaf(names: "URI:https://www.example.org/,email:www.example.org@a")),
        ("name-uri", Leaf(names: "URI:spiffe://example.org/server,email:a@example.org")),
        (
            "name-many",
            Leaf(
                names: (1...500).map { "DNS:host\($0).example.org" }.joined(separator: ",")
                    + ",DNS:www.example.net")
        ),
        (
            "name-long-client",
            Leaf(
                role: .client,
                names: "URI:spiffe://example.org/" + String(repeating: "a", count: 8_000))
        ),
        (
            "name-long",
            Leaf(names: "URI:spiffe://example.org/" + String(repeating: "a", count: 8_000))
        ),
        ("name-common-only", Leaf(names: nil, commonName: "www.example.org")),
        (
            "name-common-and-other",
            Leaf(names: "DNS:mail.example.org", commonName: "www.example.org")
        ),
        (
            "intermediate",
            Leaf(
                role: .client, names: nil, commonName: "intermediate",
                issuer: ("root", "root"), isAuthority: true)
        ),
        ("chain-leaf", Leaf(issuer: ("intermediate", "ours/client"))),
        (
            "too-deep-intermediate",
            Leaf(role: .client, names: nil, commonName: "too deep", isAuthority: true)
        ),
        // The CA may have one below it: the one that follows it.
        (
            "too-deep-second",
            Leaf(
                role: .client, names: nil, commonName: "second",
                issuer: ("too-deep-intermediate", "ours/client"), isAuthority: true)
        ),
        ("too-deep-leaf", Leaf(issuer: ("too-deep-second", "ours/client"))),
        (
            "old-intermediate",
            Leaf(
                role: .client, names: nil, commonName: "intermediate",
                start: "20200101000000Z", end: "20200201000000Z", issuer: ("root", "root"),
                isAuthority: true)
        ),
        ("by-client", Leaf(issuer: ("ours/client", "ours/client"))),
        ("by-odd", Leaf(issuer: ("odd", "odd"))),
    ]

    func make() throws {
        try pki.certificate("root")
        try pki.certificate("odd", "odd\u{1b}[2J\u{85}\u{202e}")
        try pki.certificate(
            "client-self-signed", "client", Leaf(role: .client).extensions, key: .of("ours/client"))
        for (name, leaf) in Self.leaves {
            try pki.certificate(
                name, leaf.commonName, leaf.extensions, by: leaf.issuer.0, signer: leaf.issuer.1,
                key: .of(leaf.role == .server ? "ours/server" : "ours/client"),
                dates: (leaf.start, leaf.end))
        }
        try makeLists()
        try makeOtherKeys()
        try makeOtherForms()
        try makeFiles()
    }

    private func makeLists() throws {
        let revoked = ["server-revoked", "client-revoked"]
        let ours = "ours/ca"
        try pki.list("current.crl", by: ours, revoking: revoked, nil)
        try pki.list(
            "expired.crl", by: ours, revoking: revoked, nil, from: "20200101000000Z",
            until: "20200201000000Z")
        try pki.list(
            "not-yet-valid.crl", by: ours, revoking: revoked, nil, from: "20400101000000Z",
            until: "20400201000000Z")
        try pki.list("other.crl", by: "other/ca", revoking: revoked, nil)
        // The same issuer's name over another key.
        try pki.certificate("impostor", try pki.subject(of: "ours/ca"))
        try pki.list("forged.crl", by: "impostor", revoking: revoked, nil)
        try pki.join(["other.crl", "current.crl"], into: "both.crl")
    }

    private func makeOtherKeys() throws {
        let (server, client) = (Leaf().extensions, Leaf(role: .client).extensions)
        try pki.openssl([
            "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-pkeyopt", "ec_param_enc:explicit", "-out", "explicit.key",
        ])
        for (name, key, extensions) in [
            ("rsa", Authority.Key.new(["rsa:2048"]), server), ("weak", .new(["rsa:512"]), server),
            ("p521", .curve("P-521"), server), ("p521-client", .curve("P-521"), client),
            ("k1", .curve("secp256k1"), server), ("k1-client", .curve("secp256k1"), client),
            ("p224", .curve("P-224"), server), ("explicit", .of("explicit"), server),
        ] {
            try pki.certificate(name, "localhost", extensions, by: "ours/ca", key: key)
        }
    }

    private func makeOtherForms() throws {
        try pki.openssl([
            "pkcs12", "-export", "-in", "ours/server.pem", "-inkey", "ours/server.key",
            "-passout", "pass:secret", "-out", "both.pem",
        ])
        try pki.openssl([
            "crl2pkcs7", "-nocrl", "-certfile", "ours/server.pem", "-out", "bundle.pem",
        ])
        try pki.openssl(["crl", "-in", "current.crl", "-outform", "DER", "-out", "der.crl"])
        let key = ["-in", "ours/server.key"]
        let sealed = ["-aes128", "-passout", "pass:secret", "-out"]
        try pki.openssl(["pkey"] + key + sealed + ["encrypted.key"])
        try pki.openssl(["ec"] + key + sealed + ["encrypted-old.key"])
        try pki.openssl(["ec"] + key + ["-out", "old.key"])
        try pki.openssl(["pkey"] + key + ["-outform", "DER", "-out", "der.key"])
        try pki.openssl(["x509", "-in", "ours/server.pem", "-outform", "DER", "-out", "der.pem"])
        try pki.openssl(["ecparam", "-name", "prime256v1", "-out", "parameters.pem"])
    }

    private func makeFiles() throws {
        let certificate = try pki.read("ours/server.pem")
        let key = try pki.read("ours/server.key")
        let (ours, other) = (try pki.read("ours/ca.pem"), try pki.read("other/ca.pem"))
        for (name, text) in [
            ("empty.pem", ""),
            ("text.pem", "This is no certificate.\n"),
            ("garbage.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            ("cut.pem", String(certificate.dropLast(100))),
            ("good-and-garbage.pem", certificate + garbage("CERTIFICATE")),
            ("garbage.key", garbage("PRIVATE KEY")),
            ("cut.key", String(key.dropLast(60))),
            ("garbage.crl", garbage("X509 CRL")),
            ("combined.pem", certificate + key),
            ("talkative.pem", "Subject: whoever\n" + certificate + "\nand that was it"),
            ("twice.pem", ours + ours),
            ("both-cas.pem", other + ours),
            ("parameters.key", try pki.read("parameters.pem") + pki.read("old.key")),
            ("chain.pem", try pki.read("chain-leaf.pem") + pki.read("intermediate.pem")),
            ("leaf-last.pem", try pki.read("intermediate.pem") + pki.read("chain-leaf.pem")),
            ("old-chain.pem", try pki.read("chain-leaf.pem") + pki.read("old-intermediate.pem")),
            ("returns.pem", certificate.replacing("\n", with: "\r")),
            ("returns.key", key.replacing("\n", with: "\r")),
            ("written-out.pem", certificate.replacing("\n", with: "\\n")),
            (
                "openssh.key",
                "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n-----END OPENSSH PRIVATE KEY-----\n"
            ),
            ("by-client-chain.pem", try pki.read("by-client.pem") + pki.read("ours/client.pem")),
            (
                "too-deep.pem",
                try pki.read("too-deep-leaf.pem") + pki.read("too-deep-second.pem")
                    + pki.read("too-deep-intermediate.pem")
            ),
            ("readable.key", key), ("readable-by-group.key", key), ("only-readable.key", key),
            ("writable.key", key),
        ] {
            try pki.write(name, text)
        }
        for (name, mode) in [
            ("readable.key", 0o604), ("readable-by-group.key", 0o640), ("only-readable.key", 0o400),
            ("writable.key", 0o602), ("parameters.key", 0o600), ("combined.pem", 0o600),
            ("garbage.key", 0o600), ("cut.key", 0o600), ("old.key", 0o600), ("der.key", 0o600),
            ("encrypted.key", 0o600), ("encrypted-old.key", 0o600), ("empty.pem", 0o600),
            ("rsa.key", 0o600), ("explicit.key", 0o600), ("returns.key", 0o600),
            ("openssh.key", 0o600), ("both.pem", 0o600), ("weak.key", 0o600), ("text.pem", 0o600),
        ] {
            guard unsafe chmod(pki.path(name), mode_t(mode)) == 0 else {
                throw ProgramFailure(description: "cannot change \(name)")
            }
        }
        let wide = certificate.utf8.flatMap { byte -> [UInt8] in [byte, 0] }
        try pki.write("wide.pem", [0xff, 0xfe] + wide)
        guard unsafe mkdir(pki.path("folder.pem"), 0o700) == 0,
            unsafe mkfifo(pki.path("pipe.pem"), 0o600) == 0,
            unsafe open(pki.path("huge.pem"), O_CREAT | O_CLOEXEC, 0o600) >= 0,
            unsafe truncate(pki.path("huge.pem"), 1 << 30) == 0
        else { throw ProgramFailure(description: "cannot make the odd files") }
    }

    private func garbage(_ kind: String) -> String {
        "-----BEGIN \(kind)-----\nMAAA\n-----END \(kind)-----\n"
    }

    /// Names whose characters openssl.cnf has no way to write: the DER of GeneralNames (RFC 5280,
    /// section 4.2.1.6), 1 for an e-mail address, 2 for a DNS name, 7 for the bytes of an IP address.
    private static func der(_ names: [(tag: UInt8, value: String)]) -> String {
        let content = names.flatMap { name in
            [0x80 | name.tag, UInt8(name.value.utf8.count)] + name.value.utf8
        }
        return "DER:"
            + ([0x30, UInt8(content.count)] + content).map { byte in
                (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }.joined(separator: ":")
    }
}
