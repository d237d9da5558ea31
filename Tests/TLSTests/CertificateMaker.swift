// Makes the bad certificates, keys and lists with the `openssl` command.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Issues certificates that `scripts/generate-certs` would not.
struct CertificateMaker {
    private let fixture: CertificateFixture

    init(_ fixture: CertificateFixture) {
        self.fixture = fixture
    }

    /// A certificate for one of the keys `ours/server.key` and `ours/client.key`.
    private struct Leaf {
        var role = Role.server
        /// As openssl.cnf has it; nil for no names.
        var names: String? = "DNS:localhost,IP:127.0.0.1"
        var commonName = "localhost"
        var usage: String?
        var start = "20250101000000Z"
        var end = "20450101000000Z"
        /// The certificate and key that sign it.
        var issuer = ("ours/ca.pem", "ours/ca.key")
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
                + "\nsubjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid:always\n"
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
        ("root", Leaf(role: .client, names: nil, commonName: "root", isAuthority: true)),
        (
            "intermediate",
            Leaf(
                role: .client, names: nil, commonName: "intermediate",
                issuer: ("root.pem", "root.key"), isAuthority: true)
        ),
        ("chain-leaf", Leaf(issuer: ("intermediate.pem", "ours/client.key"))),
        (
            "too-deep-intermediate",
            Leaf(role: .client, names: nil, commonName: "too deep", isAuthority: true)
        ),
        ("too-deep-leaf", Leaf(issuer: ("too-deep-intermediate.pem", "ours/client.key"))),
        (
            "old-intermediate",
            Leaf(
                role: .client, names: nil, commonName: "intermediate",
                start: "20200101000000Z", end: "20200201000000Z", issuer: ("root.pem", "root.key"),
                isAuthority: true)
        ),
        ("by-client", Leaf(issuer: ("ours/client.pem", "ours/client.key"))),
        ("by-odd", Leaf(issuer: ("odd.pem", "odd.key"))),
    ]

    func makeBadOnes() throws {
        try write("index.txt", "")
        try write(
            "openssl.cnf",
            """
            [req]
            distinguished_name = subject
            [subject]
            [ca]
            default_ca = authority
            [authority]
            database = \(fixture.path("index.txt"))
            new_certs_dir = \(fixture.directory)
            rand_serial = yes
            default_md = sha256
            policy = policy
            unique_subject = no
            [policy]
            commonName = supplied
            """
                + Self.leaves.map { "\n[\($0.0)]\n\($0.1.extensions)" }.joined())
        for key in ["server", "client"] {
            try openssl([
                "req", "-new", "-config", "openssl.cnf", "-key", "ours/\(key).key", "-subj",
                "/CN=x", "-out", "\(key).csr",
            ])
        }
        try selfSign("root", subject: "/CN=root", extensions: "root")
        try selfSign("odd", subject: "/CN=odd\u{1b}[2J\u{85}\u{202e}", extensions: "root")
        try openssl(
            ["req", "-x509", "-new", "-config", "openssl.cnf", "-key", "ours/client.key"]
                + ["-out", "client-self-signed.pem", "-subj", "/CN=client", "-days", "30"]
                + ["-extensions", "client-good"])
        for (name, leaf) in Self.leaves where name != "root" { try issue(name, leaf) }
        try makeLists()
        try makeOtherKeys()
        try makeFiles()
    }

    private func issue(_ name: String, _ leaf: Leaf) throws {
        try openssl([
            "ca", "-config", "openssl.cnf", "-batch", "-notext",
            "-in", leaf.role == .server ? "server.csr" : "client.csr", "-out", "\(name).pem",
            "-cert", leaf.issuer.0, "-keyfile", leaf.issuer.1,
            "-subj", "/CN=\(leaf.commonName)", "-extensions", name,
            "-startdate", leaf.start, "-enddate", leaf.end,
        ])
    }

    /// A CA of its own, with a key of its own.
    private func selfSign(_ name: String, subject: String, extensions: String) throws {
        try openssl([
            "req", "-x509", "-new", "-config", "openssl.cnf", "-newkey", "ec",
            "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", "\(name).key",
            "-out", "\(name).pem", "-subj", subject, "-days", "30", "-extensions", extensions,
        ])
    }

    private func makeLists() throws {
        for name in ["server-revoked", "client-revoked"] {
            try openssl(
                ["ca", "-config", "openssl.cnf", "-revoke", "\(name).pem"] + issuer("ours/ca"))
        }
        let ours = issuer("ours/ca")
        try makeList("current.crl", ours)
        try makeList(
            "expired.crl", ours, start: "20200101000000Z", end: "20200201000000Z")
        try makeList(
            "not-yet-valid.crl", ours, start: "20400101000000Z", end: "20400201000000Z")
        try makeList("other.crl", issuer("other/ca"))
        // The same issuer's name over another key.
        let subject = try fixture.field(["-subject", "-nameopt", "compat"], of: "ours/ca.pem")
        try selfSign("impostor", subject: subject, extensions: "root")
        try makeList("forged.crl", issuer("impostor"))
        try write("both.crl", read("other.crl") + read("current.crl"))
    }

    private func makeList(
        _ name: String, _ issuer: [String], start: String = "20250101000000Z",
        end: String = "20450101000000Z"
    ) throws {
        try openssl(
            [
                "ca", "-config", "openssl.cnf", "-gencrl", "-out", name,
                "-crl_lastupdate", start, "-crl_nextupdate", end,
            ] + issuer)
    }

    private func makeOtherKeys() throws {
        for (name, size) in [("rsa", "2048"), ("weak", "512")] {
            try openssl([
                "req", "-x509", "-new", "-config", "openssl.cnf", "-newkey", "rsa:\(size)",
                "-noenc", "-keyout", "\(name).key", "-out", "\(name).pem", "-subj", "/CN=localhost",
                "-CA", "ours/ca.pem", "-CAkey", "ours/ca.key", "-days", "30",
                "-extensions", "server-good",
            ])
        }
        for (name, curve, kind) in Self.curves {
            try openssl([
                "req", "-x509", "-new", "-config", "openssl.cnf", "-newkey", "ec",
                "-pkeyopt", "ec_paramgen_curve:\(curve)", "-noenc", "-keyout", "\(name).key",
                "-out", "\(name).pem", "-subj", "/CN=localhost", "-CA", "ours/ca.pem",
                "-CAkey", "ours/ca.key", "-days", "30", "-extensions", kind,
            ])
        }
        try openssl([
            "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-pkeyopt", "ec_param_enc:explicit", "-out", "explicit.key",
        ])
        try openssl([
            "req", "-x509", "-new", "-config", "openssl.cnf", "-key", "explicit.key",
            "-out", "explicit.pem", "-subj", "/CN=localhost", "-CA", "ours/ca.pem",
            "-CAkey", "ours/ca.key", "-days", "30", "-extensions", "server-good",
        ])
        try openssl([
            "pkcs12", "-export", "-in", "ours/server.pem", "-inkey", "ours/server.key",
            "-passout", "pass:secret", "-out", "both.pem",
        ])
        try openssl([
            "crl2pkcs7", "-nocrl", "-certfile", "ours/server.pem", "-out", "bundle.pem",
        ])
        try openssl(["crl", "-in", "current.crl", "-outform", "DER", "-out", "der.crl"])
        let key = ["-in", "ours/server.key"]
        try openssl(
            ["pkey"] + key + ["-aes128", "-passout", "pass:secret", "-out", "encrypted.key"])
        try openssl(
            ["ec"] + key + ["-aes128", "-passout", "pass:secret", "-out", "encrypted-old.key"])
        try openssl(["ec"] + key + ["-out", "old.key"])
        try openssl(["pkey"] + key + ["-outform", "DER", "-out", "der.key"])
        try openssl(["x509", "-in", "ours/server.pem", "-outform", "DER", "-out", "der.pem"])
        try openssl(["ecparam", "-name", "prime256v1", "-out", "parameters.pem"])
    }

    private static let curves = [
        ("p521", "P-521", "server-good"), ("p521-client", "P-521", "client-good"),
        ("k1", "secp256k1", "server-good"), ("k1-client", "secp256k1", "client-good"),
        ("p224", "P-224", "server-good"),
    ]

    private func makeFiles() throws {
        let certificate = try read("ours/server.pem")
        let key = try read("ours/server.key")
        let (ours, other) = (try read("ours/ca.pem"), try read("other/ca.pem"))
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
            ("parameters.key", try read("parameters.pem") + read("old.key")),
            ("chain.pem", try read("chain-leaf.pem") + read("intermediate.pem")),
            ("leaf-last.pem", try read("intermediate.pem") + read("chain-leaf.pem")),
            ("old-chain.pem", try read("chain-leaf.pem") + read("old-intermediate.pem")),
            ("returns.pem", certificate.replacing("\n", with: "\r")),
            ("returns.key", key.replacing("\n", with: "\r")),
            ("written-out.pem", certificate.replacing("\n", with: "\\n")),
            (
                "openssh.key",
                "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n-----END OPENSSH PRIVATE KEY-----\n"
            ),
            ("by-client-chain.pem", try read("by-client.pem") + read("ours/client.pem")),
            ("too-deep.pem", try read("too-deep-leaf.pem") + read("too-deep-intermediate.pem")),
            ("readable.key", key), ("readable-by-group.key", key), ("only-readable.key", key),
            ("writable.key", key),
        ] {
            try write(name, text)
        }
        for (name, mode) in [
            ("readable.key", 0o604), ("readable-by-group.key", 0o640), ("only-readable.key", 0o400),
            ("writable.key", 0o602), ("parameters.key", 0o600), ("combined.pem", 0o600),
            ("garbage.key", 0o600), ("cut.key", 0o600), ("old.key", 0o600), ("der.key", 0o600),
            ("encrypted.key", 0o600), ("encrypted-old.key", 0o600), ("empty.pem", 0o600),
            ("rsa.key", 0o600), ("explicit.key", 0o600), ("returns.key", 0o600),
            ("openssh.key", 0o600), ("both.pem", 0o600), ("weak.key", 0o600), ("text.pem", 0o600),
        ] {
            guard unsafe chmod(fixture.path(name), mode_t(mode)) == 0 else {
                throw ProgramFailure(description: "cannot change \(name)")
            }
        }
        let wide = certificate.utf8.flatMap { byte -> [UInt8] in [byte, 0] }
        try write("wide.pem", [0xff, 0xfe] + wide)
        guard unsafe mkdir(fixture.path("folder.pem"), 0o700) == 0,
            unsafe mkfifo(fixture.path("pipe.pem"), 0o600) == 0,
            unsafe open(fixture.path("huge.pem"), O_CREAT | O_CLOEXEC, 0o600) >= 0,
            unsafe truncate(fixture.path("huge.pem"), 1 << 30) == 0
        else { throw ProgramFailure(description: "cannot make the odd files") }
    }

    private func garbage(_ kind: String) -> String {
        "-----BEGIN \(kind)-----\nMAAA\n-----END \(kind)-----\n"
    }

    private func issuer(_ name: String) -> [String] {
        ["-cert", "\(name).pem", "-keyfile", "\(name).key"]
    }

    /// Runs `openssl` with the arguments that name a file of the fixture made whole.
    private func openssl(_ arguments: [String]) throws {
        try run(
            ["openssl"]
                + arguments.map { argument in
                    Self.suffixes.contains { argument.hasSuffix($0) }
                        ? fixture.path(argument) : argument
                })
    }

    private func read(_ name: String) throws -> String {
        guard let file = unsafe fopen(fixture.path(name), "re") else {
            throw ProgramFailure(description: "cannot read \(name)")
        }
        defer { unsafe fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    private func write(_ name: String, _ text: String) throws {
        try write(name, Array(text.utf8))
    }

    private func write(_ name: String, _ bytes: [UInt8]) throws {
        guard let file = unsafe fopen(fixture.path(name), "we") else {
            throw ProgramFailure(description: "cannot write \(name)")
        }
        defer { unsafe fclose(file) }
        guard unsafe fwrite(bytes, 1, bytes.count, file) == bytes.count else {
            throw ProgramFailure(description: "cannot write all of \(name)")
        }
    }

    private static let suffixes = [".pem", ".key", ".csr", ".crl", ".cnf"]

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
