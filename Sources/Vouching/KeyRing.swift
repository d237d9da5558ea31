// The server's keys and what it trusts, across reloads.
// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
package import System
package import TLS

/// What one reading of the server's files provides for signing.
package struct KeyReading: Sendable {
    /// Its number, counted from 0.
    package let number: UInt32
    package private(set) var credentials: Credentials
    package private(set) var leaf: ServerLeaf
    /// Whether clients are asked for certificates.
    package let asksForClients: Bool
    /// Whether TLS 1.2 is spoken.
    package let signsKeyExchanges: Bool

    /// Releases its own certificate and key for another reading's of the same certificate.
    fileprivate mutating func share(_ other: KeyReading) {
        (credentials, leaf) = (other.credentials, other.leaf)
    }
}

/// What is in force, and the keys that connections may still have that began earlier. Safe on any
/// thread.
///
/// What a server trusts, including lists of revoked certificates of any length, is kept only for the newest
/// reading.
package final class KeyRing: Sendable {
    /// The context under which clients are verified.
    package struct InForce: Sendable {
        package let number: UInt32
        /// Nil if no client certificate is requested.
        package let chains: VerifiedChains?
    }

    private struct State {
        var keys: [KeyReading]
        /// When each key but the last was replaced.
        var ends: [Moment] = []
        var inForce: InForce
    }

    private let state: Mutex<State>

    /// - Parameters:
    ///   - context: a server's, with its key.
    ///   - number: which reading it is.
    /// - Throws: `unavailable` if memory is short.
    package init(_ context: TLSContext, number: UInt32) throws(ProofRefusal) {
        state = Mutex(
            State(
                keys: [try Self.key(context, number)], inForce: Self.inForce(context, number)))
    }

    /// Puts another context in force.
    ///
    /// - Throws: `unavailable` if memory is short.
    package func use(
        _ context: TLSContext, number: UInt32, at now: Moment = .now
    ) throws(ProofRefusal) {
        let (next, inForce) = (try Self.key(context, number), Self.inForce(context, number))
        state.withLock { state in
            // Most reloads read the certificate and key that are there already. The newest copy is the one to keep:
            // an older key may have been of a device that has forgotten it.
            for index in state.keys.indices where state.keys[index].leaf.isSame(as: next.leaf) {
                state.keys[index].share(next)
            }
            state.keys.append(next)
            state.ends.append(now)
            let late = state.ends.prefix { now - $0 > Self.patience }.count
            let gone = max(late, state.keys.count - Self.limit)
            state.keys.removeFirst(gone)
            state.ends.removeFirst(gone)
            state.inForce = inForce
        }
    }

    package var inForce: InForce { state.withLock { $0.inForce } }

    /// The reading whose key has that number; nil if it is too old.
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

    /// A connection presents the certificate of the reading that was in force when it was accepted, and has until
    /// its handshake's deadline to do so. Nobody sets that to more.
    static let patience = Duration.seconds(600)
    /// However often the files are read within that time: some 10 KB for each certificate.
    static let limit = 256
}
