// Nonces that were given out and have not come back.
// SPDX-License-Identifier: Apache-2.0
internal import TLS

/// The nonces of one channel, each valid for one handshake. A loop loses none (`NotaryLink`), so it never has more
/// than there are handshakes under way; a process that asks for more than there can be has no valid ones.
struct IssuedNonces {
    private var issued: Set<[UInt8]> = []
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
        issued.insert(nonce)
        return nonce
    }

    /// Takes one back.
    ///
    /// - Returns: whether it was issued and nobody has used it.
    mutating func take(_ nonce: [UInt8]) -> Bool { issued.remove(nonce) != nil }

    var count: Int { issued.count }
}
