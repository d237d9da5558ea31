// A small public-key infrastructure for one suite: roots, intermediates, leaves and their CRLs.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Glibc
internal import Sockets
internal import Testing

@testable internal import TLS

/// Issues with `openssl ca` into a folder of its own, which goes with the run's fixture.
struct Authority: Sendable {
    let folder: String

    init() throws {
        var template = Array("\(try CertificateFixture.shared.directory)/pki-XXXXXX".utf8CString)
        try #require(unsafe mkdtemp(&template) != nil)
        folder = String(
            decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    static let ca = """
        basicConstraints = critical, CA:TRUE
        keyUsage = critical, keyCertSign, cRLSign
        """
    static let client = """
        basicConstraints = critical, CA:FALSE
        extendedKeyUsage = clientAuth
        subjectAltName = email:alice@example.org
        """
    static let server = """
        basicConstraints = critical, CA:FALSE
        extendedKeyUsage = serverAuth
        subjectAltName = DNS:localhost
        """

    /// Makes `name.pem` and `name.key`.
    ///
    /// - Parameters:
    ///   - issuer: whose `.pem` and `.key` sign it; nil for itself.
    ///   - key: what is made, as `openssl req -newkey` has it.
    ///   - dates: of its validity, which is else from now on.
    ///   - chain: what is put behind `name.pem` in `name-chain.pem`.
    func certificate(
        _ name: String, _ subject: String? = nil, _ extensions: String = ca,
        by issuer: String? = nil, key: [String] = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        dates: (String, String)? = nil, keyID: Bool = true, chain: [String] = []
    ) throws {
        let identifiers =
            keyID
            ? "subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid"
            : "subjectKeyIdentifier = none\nauthorityKeyIdentifier = none"
        try configure(name, "[x]\n\(extensions)\n\(identifiers)\n")
        let request =
            ["req", "-new", "-config", path("\(name).cnf"), "-newkey"] + key + [
                "-noenc", "-keyout", path("\(name).key"), "-subj", "/CN=\(subject ?? name)",
            ]
        if let dates {
            try openssl(request + ["-out", path("\(name).csr")])
            try openssl(
                [
                    "ca", "-config", path("\(name).cnf"), "-batch", "-notext", "-extensions", "x",
                    "-keyfile", path("\(issuer ?? name).key"), "-in", path("\(name).csr"),
                    "-out", path("\(name).pem"), "-startdate", dates.0, "-enddate", dates.1,
                ] + (issuer.map { ["-cert", path("\($0).pem")] } ?? ["-selfsign"]))
        } else {
            let signer = issuer.map { ["-CA", path("\($0).pem"), "-CAkey", path("\($0).key")] }
            try openssl(
                request + ["-x509", "-extensions", "x", "-days", "3000", "-sha256"]
                    + (signer ?? []) + ["-out", path("\(name).pem")])
        }
        if !chain.isEmpty { try join([name] + chain, into: "\(name)-chain.pem") }
    }

    /// Makes a CRL.
    ///
    /// - Parameters:
    ///   - revoked: the certificates in it.
    ///   - extensions: as openssl.cnf has them.
    func list(
        _ file: String, by issuer: String, revoking revoked: [String] = [],
        _ extensions: String = "", reason: String? = nil, from start: String = "20250101000000Z",
        until end: String = "20450101000000Z"
    ) throws {
        try configure(
            file, "[x]\nauthorityKeyIdentifier = keyid\n\(extensions)\n",
            database: try revoked.map { name in
                let serial = try Certificate.read(path("\(name).pem"))[0].serial.uppercased()
                let entry = reason.map { ",\($0)" } ?? ""
                return "R\t301231235959Z\t260101000000Z\(entry)\t\(serial)\tunknown\t/CN=x\n"
            }.joined())
        try openssl([
            "ca", "-config", path("\(file).cnf"), "-gencrl", "-crlexts", "x",
            "-cert", path("\(issuer).pem"), "-keyfile", path("\(issuer).key"),
            "-out", path(file), "-crl_lastupdate", start, "-crl_nextupdate", end,
        ])
    }

    /// Puts files one after the other; a name without a suffix is a certificate's.
    func join(_ names: [String], into file: String) throws {
        let files = names.map { $0.contains(".") ? path($0) : path("\($0).pem") }
        try run(["sh", "-c", "file=$1; shift; cat \"$@\" > \"$file\"", "sh", path(file)] + files)
    }

    private func openssl(_ arguments: [String]) throws { try run(["openssl"] + arguments) }

    private func configure(_ name: String, _ extensions: String, database: String = "") throws {
        try write("\(name).db", database)
        try write(
            "\(name).cnf",
            """
            [req]
            distinguished_name = subject
            [subject]
            [ca]
            default_ca = authority
            [authority]
            database = \(path("\(name).db"))
            new_certs_dir = \(folder)
            rand_serial = yes
            default_md = sha256
            policy = policy
            unique_subject = no
            [policy]
            commonName = supplied
            \(extensions)
            """)
    }

    func write(_ name: String, _ text: String) throws {
        let file = unsafe try #require(unsafe fopen(path(name), "we"))
        let bytes = Array(text.utf8)
        let written = unsafe fwrite(bytes, 1, bytes.count, file)
        try #require(unsafe fclose(file) == 0 && written == bytes.count)
    }

    // MARK: Ends

    func trust(_ ca: String, crl: String? = nil) throws -> Trust {
        try Trust(ca: path(ca.contains(".") ? ca : "\(ca).pem"), crl: crl.map(path))
    }

    /// A server that trusts clients as said, and a client that shows a certificate, whatever is
    /// wrong with it.
    ///
    /// - Parameter level: the security level of both; nil for the contexts' own.
    func pair(
        client name: String, key: String? = nil, trusting trust: Trust, level: Int32? = nil
    ) throws -> MemoryPair {
        let certificates = try CertificateFixture.shared
        let client = try certificates.client(nil)
        let server = try certificates.server(trusting: trust)
        if let level {
            for context in [client, server] {
                unsafe SSL_CTX_set_security_level(context.pointer, level)
            }
        }
        try show(name, key, in: client)
        return try MemoryPair(client: client, server: server)
    }

    /// A client that trusts servers as said, and a server that shows a certificate.
    func pair(server name: String, key: String? = nil, trusting trust: Trust) throws -> MemoryPair {
        let certificates = try CertificateFixture.shared
        let server = try certificates.server(trusting: nil)
        try show(name, key, in: server)
        return try MemoryPair(
            client: certificates.client(nil, trusting: trust), server: server)
    }

    private func show(_ name: String, _ key: String?, in context: TLSContext) throws {
        // OpenSSL minds what it can't read of a certificate, and takes it all the same.
        defer { _ = ErrorQueue.drain() }
        let chain = try Certificate.read(path("\(name).pem"))
        try #require(unsafe SSL_CTX_use_certificate(context.pointer, chain[0].pointer) == 1)
        for certificate in chain.dropFirst() {
            unsafe X509_up_ref(certificate.pointer)
            try #require(
                unsafe parley_SSL_CTX_add0_chain_cert(context.pointer, certificate.pointer) == 1)
        }
        try #require(
            unsafe SSL_CTX_use_PrivateKey_file(
                context.pointer, path("\(key ?? name).key"), SSL_FILETYPE_PEM) == 1)
    }
}

extension MemoryPair {
    /// What the server says of the client; nil where it lets it in.
    func serversVerdict() -> StreamError.Code? {
        handshake()
        return if case .failed(let code) = server.progress { code } else { nil }
    }

    /// What the client says of the server.
    func clientsVerdict() -> StreamError.Code? {
        handshake()
        return if case .failed(let code) = client.progress { code } else { nil }
    }

    /// What the server's alert has the client say.
    func clientsSentence() throws -> String {
        let error = #expect(throws: StreamError.self) { try client.read() }
        return try #require(error).description
    }
}
