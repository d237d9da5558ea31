// Servers' files of two CAs, and clients as a proof leaves them.
// SPDX-License-Identifier: Apache-2.0
import Broker
import Remote
import Testing

@testable import Console
@testable import TLS
@testable import TestSupport
@testable import Vouching
@testable import parleyd

/// What the tests' certificate sets are to a server.
struct Certificates {
    private let sets: CertificateSets

    static let shared = Result { Certificates(sets: try .shared) }

    func options(_ set: String = "ours", _ more: [String] = []) throws -> ServerOptions {
        try ServerOptions(
            ["command", "--certs", sets[set], "--client-ca", sets["\(set)/ca.pem"]] + more)
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
        let leaf = try Certificate.read(sets["ours/alice.pem"])[0]
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
