// Nonces that were given out and have not come back.
// SPDX-License-Identifier: Apache-2.0
internal import TLS

/// The nonces of one channel, each good for one handshake. Where there are too many the oldest ones are good for
/// none any more: whoever asks for ever so many has lost its own.
struct IssuedNonces {
    private var issued: [[UInt8]: UInt64] = [:]
    /// In the order in which they were made, also those that came back; the first are gone.
    private var order: [(nonce: [UInt8], number: UInt64)] = []
    private var last: UInt64 = 0

    /// - Throws: `unavailable`.
    mutating func make() throws(ProofRefusal) -> [UInt8] {
        let nonce = try HandshakeNonce.make()
        last += 1
        issued[nonce] = last
        order.append((nonce, last))
        if order.count >= 2 * Self.most { forgetOld() }
        return nonce
    }

    /// Takes one back.
    ///
    /// - Returns: whether it was given out, and nobody has used it.
    mutating func take(_ nonce: [UInt8]) -> Bool { issued.removeValue(forKey: nonce) != nil }

    var count: Int { issued.count }

    private mutating func forgetOld() {
        for (nonce, number) in order.prefix(Self.most) where issued[nonce] == number {
            issued[nonce] = nil
        }
        order.removeFirst(Self.most)
    }

    /// A loop has one at a time, and one more for each handshake whose flight didn't fit its socket.
    static let most = 1_024
}
