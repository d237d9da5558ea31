// The chain that a session's client has shown, as TLS has it.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

extension TLSStream {
    /// The Certificate message of the client of an established session, without extensions, for
    /// `ClientChain`; empty where it has shown none.
    public var shownChain: [UInt8] {
        guard let leaf = unsafe SSL_get1_peer_certificate(ssl) else { return [] }
        let sent = unsafe SSL_get_peer_cert_chain(ssl)
        let others = unsafe (0..<max(0, OPENSSL_sk_num(sent))).map {
            unsafe Certificate(sharing: OpaquePointer(OPENSSL_sk_value(sent, $0)!))
        }
        var list: [UInt8] = []
        for certificate in [unsafe Certificate(owning: leaf)] + others {
            let der = certificate.der
            list += Self.number(der.count) + der + [0, 0]
        }
        let body = [0] + Self.number(list.count) + list
        return [HandshakeKind.certificate.rawValue] + Self.number(body.count) + body
    }

    private static func number(_ value: Int) -> [UInt8] {
        [16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }
}
