// Builds a Certificate message from the certificates of another one.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

extension ClientChain {
    /// The TLS 1.3 Certificate message for a stack of certificates, without extensions. TLS 1.2 has another
    /// form, which only its handshake needs.
    static func message(_ stack: OpaquePointer?) -> [UInt8] {
        let certificates = unsafe (0..<max(0, OPENSSL_sk_num(stack))).map {
            unsafe Certificate(sharing: OpaquePointer(OPENSSL_sk_value(stack, $0)!))
        }
        var list: [UInt8] = []
        for certificate in certificates {
            let der = certificate.der
            list += number(der.count) + der + [0, 0]
        }
        let body = [0] + number(list.count) + list
        return [HandshakeKind.certificate.rawValue] + number(body.count) + body
    }

    private static func number(_ value: Int) -> [UInt8] {
        [16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }
}
