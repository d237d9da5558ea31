// The certificate that this server's handshakes must show.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A server's own certificate, as a broker looks for it in a handshake.
public struct ServerLeaf: Sendable {
    let certificate: Certificate
    /// As DER.
    let encoded: [UInt8]
    /// What its key may sign a handshake with. OpenSSL takes a fifth of a signature to say so.
    let schemes: [SignatureScheme]

    /// That of the server's credentials.
    ///
    /// - Throws: `unavailable`, where memory is short.
    public init(_ credentials: Credentials) throws(ProofRefusal) {
        try self.init(credentials.chain[0])
    }

    /// Not `elementsEqual`, which takes them byte by byte.
    func isEncoded(as bytes: ArraySlice<UInt8>) -> Bool {
        guard bytes.count == encoded.count else { return false }
        return unsafe bytes.withUnsafeBytes { bytes in
            unsafe encoded.withUnsafeBytes {
                unsafe memcmp(bytes.baseAddress!, $0.baseAddress!, $0.count) == 0
            }
        }
    }

    init(_ certificate: Certificate) throws(ProofRefusal) {
        encoded = certificate.der
        guard !encoded.isEmpty else { throw .unavailable }
        self.certificate = certificate
        schemes = SignatureScheme.allCases.filter { $0.fits(certificate) }
    }
}
