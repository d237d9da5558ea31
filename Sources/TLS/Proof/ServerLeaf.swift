// The certificate that must appear in this server's handshakes.
// SPDX-License-Identifier: Apache-2.0

/// A server's own certificate, as a broker expects it in a handshake.
public struct ServerLeaf: Sendable {
    let certificate: Certificate
    /// As DER.
    let encoded: [UInt8]
    /// The schemes with which its key may sign a handshake. Asking OpenSSL takes a fifth of the
    /// time of a signature.
    let schemes: [SignatureScheme]

    /// The leaf of the server's credentials.
    ///
    /// - Throws: `unavailable`, if memory is short.
    public init(_ credentials: Credentials) throws(ProofRefusal) {
        try self.init(credentials.chain[0])
    }

    /// Whether it is the same certificate, and so has the same key.
    public func isSame(as other: ServerLeaf) -> Bool { isEncoded(as: other.encoded[...]) }

    func isEncoded(as bytes: ArraySlice<UInt8>) -> Bool { encoded.isSame(as: bytes) }

    init(_ certificate: Certificate) throws(ProofRefusal) {
        encoded = certificate.der
        guard !encoded.isEmpty else { throw .unavailable }
        self.certificate = certificate
        schemes = SignatureScheme.allCases.filter { certificate.fits($0) }
    }
}
