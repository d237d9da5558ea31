// The certificates of a Certificate message.
// SPDX-License-Identifier: Apache-2.0

/// Reads the entries of a handshake's Certificate message (RFC 8446, section 4.4.2).
struct CertificateList {
    private var entries: WireReader
    private let maxCount: Int
    private var count = 0

    /// - Parameter maxCount: the maximum number of entries; more are rejected as a client's.
    init(_ message: HandshakeMessage, maxCount: Int = .max) throws(ProofRefusal) {
        self.maxCount = maxCount
        var fields = message.fields
        guard try fields.vector(1, 0...255).isAtEnd else { throw .contextNotEmpty }
        entries = try fields.vector(3, 0...message.body.count)
        try fields.end()
    }

    /// The next certificate as DER; nil after the last. Only the form of its extensions (OCSP, SCT)
    /// is checked.
    mutating func next() throws(ProofRefusal) -> ArraySlice<UInt8>? {
        guard !entries.isAtEnd else { return nil }
        guard count < maxCount else { throw .tooManyCertificates }
        count += 1
        let certificate = try entries.vector(3, 1...max(1, entries.rest.count))
        var extensions = try entries.vector(2, 0...0xffff)
        try extensions.checkEntries()
        return certificate.rest
    }
}
