// Makes a small public-key infrastructure: roots, intermediates, leaves and their CRLs.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

@testable internal import TLS
@testable internal import TestSupport

/// Issues with the `openssl` command into one folder. The tests' only maker of certificates and CRLs.
struct Authority: Sendable {
    let folder: String

    /// Works in a folder that is there.
    init(in folder: String) { self.folder = folder }

    /// Fills a folder of its own, which goes with the run's fixture.
    init(_ make: (Authority) throws -> Void = { _ in }) throws {
        folder = try TemporaryFolder.make(in: CertificateFixture.shared.directory)
        try make(self)
    }

    /// A certificate's key.
    enum Key {
        /// It is made, as `openssl req -newkey` has it, and becomes `name.key`.
        case new([String])
        /// It is in `name.key` already, of whichever name this is.
        case of(String)

        static let p256 = curve("P-256")
        static func curve(_ name: String) -> Key {
            .new(["ec", "-pkeyopt", "ec_paramgen_curve:\(name)"])
        }
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

    /// Makes `name.pem`, and `name.key` where the key is new.
    ///
    /// - Parameters:
    ///   - subject: its common name, or all of it, with a slash in front; nil for `name`.
    ///   - extensions: as openssl.cnf has them.
    ///   - issuer: whose `.pem` signs it; nil for itself.
    ///   - signer: whose `.key` that takes; nil for the issuer's.
    ///   - dates: of its validity, which is else from now on.
    ///   - chain: what follows `name.pem` in `name-chain.pem`.
    func certificate(
        _ name: String, _ subject: String? = nil, _ extensions: String = ca,
        by issuer: String? = nil, signer: String? = nil, key: Key = .p256,
        dates: (String, String)? = nil, keyID: Bool = true, chain: [String] = []
    ) throws {
        let identifiers =
            keyID
            ? "subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid"
            : "subjectKeyIdentifier = none\nauthorityKeyIdentifier = none"
        try configure(name, "[x]\n\(extensions)\n\(identifiers)\n")
        let (keyFile, keyOptions) =
            switch key {
            case .new(let kind):
                (
                    path("\(name).key"),
                    ["-newkey"] + kind + ["-noenc", "-keyout", path("\(name).key")]
                )
            case .of(let other): (path("\(other).key"), ["-key", path("\(other).key")])
            }
        let subject = subject ?? name
        let subjectName = subject.hasPrefix("/") ? subject : "/CN=\(subject)"
        let request =
            ["req", "-new", "-config", path("\(name).cnf")] + keyOptions + ["-subj", subjectName]
        let signerFile = (signer ?? issuer).map { path("\($0).key") }
        if let dates {
            // A key's request serves all certificates for it, each of which has its own subject.
            let csr = keyFile.replacing(".key", with: ".csr")
            if unsafe access(csr, F_OK) != 0 { try openssl(request + ["-out", csr]) }
            try openssl(
                [
                    "ca", "-config", path("\(name).cnf"), "-batch", "-notext", "-extensions", "x",
                    "-subj", subjectName, "-keyfile", signerFile ?? keyFile, "-in", csr,
                    "-out", path("\(name).pem"), "-startdate", dates.0, "-enddate", dates.1,
                ] + (issuer.map { ["-cert", path("\($0).pem")] } ?? ["-selfsign"]))
        } else {
            let signing = issuer.map {
                ["-CA", path("\($0).pem"), "-CAkey", signerFile ?? path("\($0).key")]
            }
            try openssl(
                request + ["-x509", "-extensions", "x", "-days", "3000", "-sha256"]
                    + (signing ?? []) + ["-out", path("\(name).pem")])
        }
        if !chain.isEmpty { try join([name] + chain, into: "\(name)-chain.pem") }
    }

    /// Makes a CRL.
    ///
    /// - Parameters:
    ///   - revoked: the certificates in it.
    ///   - extensions: as openssl.cnf has them; nil for a list of version 1, which has none.
    func list(
        _ file: String, by issuer: String, revoking revoked: [String] = [],
        _ extensions: String? = "", reason: String? = nil, from start: String = "20250101000000Z",
        until end: String = "20450101000000Z"
    ) throws {
        try list(
            file, by: issuer,
            serials: revoked.map { name in
                try Certificate.read(path("\(name).pem"))[0].serial.uppercased()
            }, extensions, reason: reason, from: start, until: end)
    }

    /// Makes a CRL of certificates that there needn't be.
    ///
    /// - Parameter serials: in hexadecimal, two digits a byte.
    func list(
        _ file: String, by issuer: String, serials: [String], _ extensions: String? = "",
        reason: String? = nil, from start: String = "20250101000000Z",
        until end: String = "20450101000000Z"
    ) throws {
        let section = extensions.map { "[x]\nauthorityKeyIdentifier = keyid\n\($0)\n" }
        let entry = reason.map { ",\($0)" } ?? ""
        try configure(
            file, section ?? "",
            database: serials.map { serial in
                "R\t301231235959Z\t260101000000Z\(entry)\t\(serial)\tunknown\t/CN=x\n"
            }.joined())
        try openssl(
            [
                "ca", "-config", path("\(file).cnf"), "-gencrl",
                "-cert", path("\(issuer).pem"), "-keyfile", path("\(issuer).key"),
                "-out", path(file), "-crl_lastupdate", start, "-crl_nextupdate", end,
            ] + (section == nil ? [] : ["-crlexts", "x"]))
    }

    /// A certificate's subject, as `certificate` takes it.
    func subject(of name: String) throws -> String {
        let line = try run([
            "openssl", "x509", "-in", path("\(name).pem"), "-noout", "-subject", "-nameopt",
            "compat",
        ])
        return String(line.drop { $0 != "/" }.prefix { $0 != "\n" })
    }

    /// Puts files one after the other; a name without a suffix is a certificate's.
    func join(_ names: [String], into file: String) throws {
        let files = names.map { $0.contains(".") ? path($0) : path("\($0).pem") }
        try run(["sh", "-c", "file=$1; shift; cat \"$@\" > \"$file\"", "sh", path(file)] + files)
    }

    func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        try TestSupport.write(bytes, to: path(name))
    }

    func read(_ name: String) throws -> String { try contents(of: path(name)) }

    /// Runs the command with the arguments that name a file of the folder made whole.
    func openssl(_ arguments: [String]) throws {
        try run(
            ["openssl"]
                + arguments.map { argument in
                    let isFile = Self.suffixes.contains { argument.hasSuffix($0) }
                    return isFile && !argument.hasPrefix("/") ? path(argument) : argument
                })
    }

    private static let suffixes = [".pem", ".key", ".csr", ".crl", ".cnf"]

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
}
