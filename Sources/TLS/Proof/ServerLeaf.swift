// The certificate that this server's handshakes must show.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// A server's own certificate, as a broker looks for it in a handshake.
public struct ServerLeaf: Sendable {
    let certificate: Certificate
    /// As DER.
    let encoded: [UInt8]

    /// That of the server's credentials.
    ///
    /// - Throws: `unreadableCertificate`, where memory is short.
    public init(_ credentials: Credentials) throws(ProofRefusal) {
        try self.init(credentials.chain[0])
    }

    init(_ certificate: Certificate) throws(ProofRefusal) {
        defer { _ = ErrorQueue.drain() }
        var der: UnsafeMutablePointer<UInt8>?
        let length = unsafe i2d_X509(certificate.pointer, &der)
        guard length > 0, let start = unsafe der else { throw .unreadableCertificate }
        defer { unsafe CRYPTO_free(start, nil, 0) }
        self.certificate = certificate
        encoded = unsafe Array(UnsafeBufferPointer(start: start, count: Int(length)))
    }
}
