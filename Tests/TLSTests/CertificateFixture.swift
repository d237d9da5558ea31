// The certificates of the tests: the project's own sets, and bad ones named for their fault.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Glibc
internal import Sockets

internal import System
@testable internal import TLS
@testable internal import TestSupport

/// A directory of certificates, made once a run and removed at its end.
///
/// `ours` and `other` are sets of `scripts/generate-certs` with CAs of their own, `self` is one of
/// `--self-signed`. Beside them lie bad certificates for the keys `ours/server.key` and
/// `ours/client.key`, so that nothing but the certificate is at fault.
struct CertificateFixture: Codable, Sendable {
    static var shared: Self { get throws { try made.get() } }

    let directory: String
    /// By certificate, without its suffix (`ours/server`), as the script printed them.
    let pins: [String: String]

    private static let made = Result { try make() }

    func path(_ name: String) -> String { "\(directory)/\(name)" }

    /// The pin that openssl computed for a certificate of one of the sets.
    func pin(_ certificate: String) throws -> Pin { try Pin(pins[certificate] ?? "") }

    /// One line of `openssl x509`, without its label.
    func field(_ option: [String], of certificate: String) throws -> String {
        let line = try run(["openssl", "x509", "-in", path(certificate), "-noout"] + option)
        return String(line.drop { $0 != "=" }.dropFirst().dropLast())
    }

    // MARK: Contexts

    /// A server that shows `certificate`, which may be a bad one.
    ///
    /// - Parameter clientTrust: nil for a server that asks for no certificate.
    func server(
        _ certificate: String = "ours/server.pem", key: String = "ours/server.key",
        trusting clientTrust: Trust?, options: TLSOptions = TLSOptions()
    ) throws -> TLSContext {
        try context(showing: certificate, key, .server, instead: "ours/server.pem") { credentials in
            try TLSContext(serverWith: credentials, clientTrust: clientTrust, options: options)
        }
    }

    /// A server that requires clients of `ours/ca.pem`.
    func server(
        _ certificate: String = "ours/server.pem", key: String = "ours/server.key",
        options: TLSOptions = TLSOptions()
    ) throws -> TLSContext {
        try server(
            certificate, key: key, trusting: Trust(ca: path("ours/ca.pem")), options: options)
    }

    /// A client that shows `certificate`, which may be a bad one.
    ///
    /// - Parameters:
    ///   - certificate: nil for a client without one.
    ///   - trust: nil for servers of `ours/ca.pem`.
    func client(
        _ certificate: String? = "ours/client.pem", key: String = "ours/client.key",
        trusting trust: Trust? = nil, options: TLSOptions = TLSOptions()
    ) throws -> TLSContext {
        let trust = try trust ?? Trust(ca: path("ours/ca.pem"))
        guard let certificate else {
            return try TLSContext(clientTrusting: trust, credentials: nil, options: options)
        }
        return try context(showing: certificate, key, .client, instead: "ours/client.pem") {
            try TLSContext(clientTrusting: trust, credentials: $0, options: options)
        }
    }

    /// Puts a certificate that `Credentials` refuses into a context all the same, since a peer of
    /// another make would show it.
    private func context(
        showing certificate: String, _ key: String, _ purpose: Credentials.Purpose,
        instead good: String, _ make: (Credentials) throws -> TLSContext
    ) throws -> TLSContext {
        do {
            return try make(
                Credentials(certificate: path(certificate), key: path(key), purpose: purpose))
        } catch let error as CredentialError where Self.faults.contains(error.code) {
            let context = try make(
                Credentials(certificate: path(good), key: path(key), purpose: purpose))
            let bad = try Certificate.read(path(certificate))[0]
            guard unsafe SSL_CTX_use_certificate(context.pointer, bad.pointer) == 1 else {
                throw ProgramFailure(description: "\(certificate): \(ErrorQueue.drain())")
            }
            return context
        }
    }

    private static let faults: Set<CredentialError.Code> = [
        .expired, .notYetValid, .nameless, .wrongPurpose,
    ]

    // MARK: Making

    private static func make() throws -> CertificateFixture {
        let directory = try TemporaryFolder.make()
        do {
            return try make(in: directory)
        } catch {
            TemporaryFolder.remove(directory)
            throw error
        }
    }

    private static func make(in directory: String) throws -> CertificateFixture {
        var pins: [String: String] = [:]
        for (set, arguments) in [
            (
                "ours", ["--client", "client", "--client", "alice=email:alice@example.org"]
            ), ("other", []),
            ("self", ["--self-signed"]),
        ] {
            let report = try run(
                [repository("scripts/generate-certs"), "--out", "\(directory)/\(set)"] + arguments)
            pins.merge(Self.pins(in: report, of: "\(directory)/")) { $1 }
        }
        let fixture = CertificateFixture(directory: directory, pins: pins)
        try BadCertificates(Authority(in: directory)).make()
        atexit { TemporaryFolder.remove((try? CertificateFixture.shared.directory) ?? "") }
        return fixture
    }

    /// The certificates and pins of the script's report.
    private static func pins(in report: String, of directory: String) -> [String: String] {
        var pins: [String: String] = [:]
        var certificate = ""
        for line in report.split(separator: "\n") {
            if line.hasPrefix(directory), let end = line.firstRange(of: ".pem") {
                certificate = String(line[..<end.lowerBound].dropFirst(directory.count))
            } else if let pin = line.firstRange(of: "sha256//") {
                pins[certificate] = String(line[pin.lowerBound...].prefix { $0 != " " })
            }
        }
        return pins
    }
}
