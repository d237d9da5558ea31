// What a server signs in a TLS 1.2 handshake.
// SPDX-License-Identifier: Apache-2.0

/// The content of a ServerKeyExchange's signature (RFC 8422, section 5.4): the client's random, the
/// server's random, and the parameters of a key exchange over a named group.
public enum KeyExchangeContent {
    /// Checks the form of such content, and that the server random has the sentinel with which a TLS 1.3
    /// server says that it was downgraded to 1.2 (RFC 8446, section 4.1.3). TLS 1.3 clients reject a
    /// handshake with it, so what is signed here can't deceive them; and TLS 1.3 content has 64 spaces in
    /// place of the randoms, so the two can't be confused.
    ///
    /// The other bytes of the randoms and the bytes of the public value are not checked.
    ///
    /// - Throws: `malformedKeyExchange`, `noDowngradeSentinel`.
    public static func check(_ content: [UInt8]) throws(ProofRefusal) {
        guard content.count >= randoms + parameters else { throw .malformedKeyExchange }
        let head = Array(content[randoms..<randoms + parameters])
        guard head[0] == namedCurve, head[1] == 0,
            let group = Group(rawValue: head[2]), Int(head[3]) == group.size,
            content.count == randoms + parameters + group.size,
            // The only allowed form of a point (RFC 8422, section 5.1.2).
            group == .x25519 || content[randoms + parameters] == uncompressed
        else { throw .malformedKeyExchange }
        guard content[randoms - sentinel.count..<randoms].elementsEqual(sentinel) else {
            throw .noDowngradeSentinel
        }
    }

    /// Those of `TLSPolicy` (the registry's "Supported Groups").
    private enum Group: UInt8 {
        case p256 = 23
        case p384 = 24
        case p521 = 25
        case x25519 = 29

        /// Of a public value, in bytes.
        var size: Int {
            switch self {
            case .x25519: 32
            case .p256: 65
            case .p384: 97
            case .p521: 133
            }
        }
    }

    /// Two, of 32 bytes each.
    private static let randoms = 64
    /// A byte for the kind of curve, two for the group, one for the public value's length.
    private static let parameters = 4
    private static let namedCurve: UInt8 = 3
    private static let uncompressed: UInt8 = 4
    private static let sentinel = Array("DOWNGRD".utf8) + [1]
}
