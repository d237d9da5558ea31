// What a server signs in a handshake of TLS 1.2.
// SPDX-License-Identifier: Apache-2.0

/// The content of a ServerKeyExchange's signature (RFC 8422, section 5.4): the client's random, the
/// server's random, and the parameters of a key exchange over a named group.
public enum KeyExchangeContent {
    /// Expects the form of such a content, and in the server's random the sentinel by which a server of TLS
    /// 1.3 says that it was brought down to 1.2 (RFC 8446, section 4.1.3). A client of 1.3 refuses a
    /// handshake with it, so that what is signed here deceives none of them; and a content of 1.3 has
    /// 64 spaces in place of the randoms, so that neither is ever the other.
    ///
    /// The randoms' other bytes and the public value's bytes may be any.
    ///
    /// - Throws: `malformedKeyExchange`, `noDowngradeSentinel`.
    public static func check(_ content: [UInt8]) throws(ProofRefusal) {
        guard content.count >= randoms + parameters else { throw .malformedKeyExchange }
        let head = Array(content[randoms..<randoms + parameters])
        guard head[0] == namedCurve, head[1] == 0,
            let group = Group(rawValue: head[2]), Int(head[3]) == group.size,
            content.count == randoms + parameters + group.size,
            // The only form of a point (RFC 8422, section 5.1.2).
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
