// The certificates of a Certificate message.
// SPDX-License-Identifier: Apache-2.0

/// Reads the entries of a handshake's Certificate message (RFC 8446, section 4.4.2), at most
/// `HandshakeKind.mostCertificates` of them.
struct CertificateList {
    private var entries: WireReader
    private var count = 0

    init(_ message: HandshakeMessage) throws(ProofRefusal) {
        var fields = message.fields
        guard try fields.vector(1, 0...255).isAtEnd else { throw .contextNotEmpty }
        entries = try fields.vector(3, 0...HandshakeKind.certificate.longest)
        try fields.end()
    }

    /// The next certificate as DER; nil after the last. Its extensions (OCSP, SCT) are read for their
    /// form only.
    mutating func next() throws(ProofRefusal) -> ArraySlice<UInt8>? {
        guard !entries.isAtEnd else { return nil }
        guard count < HandshakeKind.mostCertificates else { throw .tooManyCertificates }
        count += 1
        let certificate = try entries.vector(3, 1...HandshakeKind.certificate.longest)
        var extensions = try entries.vector(2, 0...0xffff)
        _ = try extensions.entries()
        return certificate.rest
    }
}
