// The server's keys and whom it trusts, as a reload has them.
// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
package import TLS

/// One reading of the server's files, for whoever signs and verifies by it.
package struct KeyReading: Sendable {
    /// Which it is, from 0 on.
    package let number: UInt32
    package let credentials: Credentials
    package let leaf: ServerLeaf
    /// Nil where no client is asked for a certificate.
    package let chains: VerifiedChains?
    /// Whether TLS 1.2 is spoken.
    package let signsKeyExchanges: Bool
}

/// What is in force, and which keys connections may still have that began before it was. For any thread.
package final class KeyRing: Sendable {
    private let readings: Mutex<[KeyReading]>

    /// - Parameters:
    ///   - context: a server's, whose key is here.
    ///   - number: which reading it is.
    /// - Throws: `unreadableCertificate`, where memory is short.
    package init(_ context: TLSContext, number: UInt32) throws(ProofRefusal) {
        readings = Mutex([try Self.reading(context, number)])
    }

    /// From here on another context is in force.
    package func use(_ context: TLSContext, number: UInt32) throws(ProofRefusal) {
        let next = try Self.reading(context, number)
        readings.withLock { readings in
            readings.append(next)
            if readings.count > Self.most { readings.removeFirst() }
        }
    }

    package var inForce: KeyReading { readings.withLock { $0[$0.count - 1] } }

    /// The reading whose key has that number; nil where it is too long ago.
    func reading(_ number: UInt32) -> KeyReading? {
        readings.withLock { $0.last { $0.number == number } }
    }

    private static func reading(
        _ context: TLSContext, _ number: UInt32
    ) throws(ProofRefusal) -> KeyReading {
        guard let credentials = context.credentials else { throw .unavailable }
        return KeyReading(
            number: number, credentials: credentials, leaf: try ServerLeaf(credentials),
            chains: context.asksForClients ? VerifiedChains(under: context) : nil,
            signsKeyExchanges: context.minimum == .tls12)
    }

    /// A connection shows the certificate of the reading that was in force when it was accepted.
    private static let most = 4
}
