// The server's keys and whom it trusts, as a reload has them.
// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
package import System
package import TLS

/// What one reading of the server's files has for whoever signs.
package struct KeyReading: Sendable {
    /// Which it is, from 0 on.
    package let number: UInt32
    package let credentials: Credentials
    package let leaf: ServerLeaf
    /// Whether clients are asked for certificates.
    package let asksForClients: Bool
    /// Whether TLS 1.2 is spoken.
    package let signsKeyExchanges: Bool
}

/// What is in force, and which keys connections may still have that began before it was. For any thread.
///
/// Whom a server trusts, with lists of revoked certificates that may have any length, is kept of the newest reading
/// only.
package final class KeyRing: Sendable {
    /// Under what clients are verified.
    package struct InForce: Sendable {
        package let number: UInt32
        /// Nil where no client is asked for a certificate.
        package let chains: VerifiedChains?
    }

    private struct State {
        var keys: [KeyReading]
        /// When another took the place of each key but the last.
        var ends: [Moment] = []
        var inForce: InForce
    }

    private let state: Mutex<State>

    /// - Parameters:
    ///   - context: a server's, whose key is here.
    ///   - number: which reading it is.
    /// - Throws: `unavailable`, where memory is short.
    package init(_ context: TLSContext, number: UInt32) throws(ProofRefusal) {
        state = Mutex(
            State(
                keys: [try Self.key(context, number)], inForce: Self.inForce(context, number)))
    }

    /// From here on another context is in force.
    ///
    /// - Throws: `unavailable`, where memory is short.
    package func use(
        _ context: TLSContext, number: UInt32, at now: Moment = .now
    ) throws(ProofRefusal) {
        let (next, inForce) = (try Self.key(context, number), Self.inForce(context, number))
        state.withLock { state in
            state.keys.append(next)
            state.ends.append(now)
            let late = state.ends.prefix { now - $0 > Self.patience }.count
            let gone = max(late, state.keys.count - Self.most)
            state.keys.removeFirst(gone)
            state.ends.removeFirst(gone)
            state.inForce = inForce
        }
    }

    package var inForce: InForce { state.withLock { $0.inForce } }

    /// The reading whose key has that number; nil where it is too long ago.
    func reading(_ number: UInt32) -> KeyReading? {
        state.withLock { $0.keys.last { $0.number == number } }
    }

    private static func key(
        _ context: TLSContext, _ number: UInt32
    ) throws(ProofRefusal) -> KeyReading {
        guard let credentials = context.credentials else { throw .unavailable }
        return KeyReading(
            number: number, credentials: credentials, leaf: try ServerLeaf(credentials),
            asksForClients: context.asksForClients, signsKeyExchanges: context.minimum == .tls12)
    }

    private static func inForce(_ context: TLSContext, _ number: UInt32) -> InForce {
        InForce(
            number: number, chains: context.asksForClients ? VerifiedChains(under: context) : nil)
    }

    /// A connection shows the certificate of the reading that was in force when it was accepted, and has until its
    /// handshake's deadline to do so. Nobody sets that to more.
    static let patience = Duration.seconds(600)
    /// However often the files are read within that time: some kilobytes each.
    static let most = 256
}
