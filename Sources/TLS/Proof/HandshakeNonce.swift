// What makes each of this server's handshakes unique.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// A broker's nonce, as an extension of the CertificateRequest. Clients ignore unknown extensions there
/// (RFC 8446, section 4.3.2), and sign them with all the rest.
public enum HandshakeNonce {
    /// In bytes: enough that no two are equal by chance.
    public static let size = 32

    /// The extension's type, of those that the TLS registry keeps for private use (0xff00 to 0xffff,
    /// RFC 8447) and that no draft or product is known to have taken: 0xff01 is renegotiation_info,
    /// 0xff02 was delegated_credential's, 0xff03 token binding's, 0xffa5 QUIC's, 0xffce that of
    /// encrypted names. 0x50 is a P.
    static let extensionType = 0xff50

    /// A fresh nonce.
    ///
    /// - Throws: `unavailable`.
    public static func make() throws(ProofRefusal) -> [UInt8] {
        defer { _ = ErrorQueue.drain() }
        var nonce = [UInt8](repeating: 0, count: size)
        guard unsafe RAND_bytes(&nonce, Int32(size)) == 1 else { throw .unavailable }
        return nonce
    }
}
