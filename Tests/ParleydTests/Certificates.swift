// Servers' files of two CAs, and clients as a proof leaves them.
// SPDX-License-Identifier: Apache-2.0
import Broker
import Glibc
import Remote
import Testing

@testable import Console
@testable import TLS
@testable import TestSupport
@testable import Vouching
@testable import parleyd

/// Two sets of `scripts/generate-certs`, whose CAs know nothing of each other: `ours` has the client alice.
final class Certificates: Sendable {
    private let folder: TemporaryFolder

    static let shared = Result { try Certificates() }

    private init() throws {
        folder = try TemporaryFolder()
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        for arguments in ["ours --client alice=email:alice@example.org", "theirs"] {
            let line = "exec '/\(root)/scripts/generate-certs' --out '\(folder.path)'/\(arguments)"
            try #require(unsafe system("\(line) >'\(folder.path)/said' 2>&1") == 0, "\(line)")
        }
        // Statics are never released.
        atexit { (try? Certificates.shared.get()).map { TemporaryFolder.remove($0.folder.path) } }
    }

    func options(_ set: String = "ours", _ more: [String] = []) throws -> ServerOptions {
        try ServerOptions(
            ["command", "--certs", folder[set], "--client-ca", folder["\(set)/ca.pem"]] + more)
    }

    func context(_ set: String) throws -> TLSContext {
        try #require(try options(set).security?.serverContext())
    }

    /// Alice, as a proof leaves her.
    ///
    /// - Parameters:
    ///   - reading: of the server's files, under which her chain was verified.
    ///   - protocol: what she has agreed on; nil for none.
    ///   - isProven: false for TLS 1.2.
    ///   - turnedAway: why she has no place.
    func alice(
        reading: UInt32, speaking protocol: String? = "parley/1", isProven: Bool = true,
        turnedAway: Refusal? = nil
    ) throws -> ShownClients.Client {
        let leaf = try Certificate.read(folder["ours/alice.pem"])[0]
        let der = leaf.der
        func sized(_ bytes: [UInt8]) -> [UInt8] {
            [16, 8, 0].map { UInt8(truncatingIfNeeded: bytes.count >> $0) } + bytes
        }
        let message =
            [HandshakeKind.certificate.rawValue] + sized([0] + sized(sized(der) + [0, 0]))
        return ShownClients.Client(
            chain: try ClientChain(message),
            proven: isProven
                ? ProvenClient(leaf: leaf, applicationProtocol: `protocol`.map { Array($0.utf8) })
                : nil,
            reading: reading, turnedAway: turnedAway)
    }
}
