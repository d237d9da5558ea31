// Nonces that were given out and have not come back.
// SPDX-License-Identifier: Apache-2.0
internal import TLS

/// The nonces of one channel, each valid for one handshake. A loop loses none (`NotaryLink`), so it never has more
/// than there are handshakes under way; a process that asks for more than there can be has no valid ones.
struct IssuedNonces {
    private var issued: Set<Nonce> = []
    private let limit: Int

    /// - Parameter handshakes: how many may be under way.
    init(handshakes: Int) {
        // Some sessions may no longer be counted whose nonces the loop has yet to take back.
        limit = 2 * handshakes + 64
    }

    /// - Throws: `unavailable`.
    mutating func make() throws(ProofRefusal) -> [UInt8] {
        let nonce = try HandshakeNonce.make()
        if issued.count >= limit { issued = [] }
        if let nonce = Nonce(nonce) { issued.insert(nonce) }
        return nonce
    }

    /// Takes one back.
    ///
    /// - Returns: whether it was issued and nobody has used it.
    mutating func take(_ nonce: [UInt8]) -> Bool {
        Nonce(nonce).flatMap { issued.remove($0) } != nil
    }

    var count: Int { issued.count }

    /// All of one: a set would take an array's bytes one by one.
    private struct Nonce: Hashable {
        private let first, second, third, fourth: UInt64

        /// - Returns: nil for another number of bytes than one has.
        init?(_ bytes: [UInt8]) {
            guard bytes.count == HandshakeNonce.size else { return nil }
            (first, second, third, fourth) = unsafe bytes.withUnsafeBytes {
                unsafe $0.loadUnaligned(as: (UInt64, UInt64, UInt64, UInt64).self)
            }
        }
    }
}
