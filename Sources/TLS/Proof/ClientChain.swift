// The chain that a client shows in a handshake.
// SPDX-License-Identifier: Apache-2.0

/// A client's Certificate message, parsed but not verified.
public struct ClientChain: Sendable {
    /// SHA-256 of the whole message, under which a verified chain can be remembered: the same
    /// message is the same chain.
    public let hash: [UInt8]
    /// Of the message, in bytes.
    var size: Int { message.count }
    private let message: [UInt8]
    private let entries: [ArraySlice<UInt8>]

    /// - Parameter message: with its header, and nothing else; at most 32 KiB, with one to ten
    ///   certificates, the client's own first.
    /// - Throws: `ProofRefusal`.
    public init(_ message: [UInt8]) throws(ProofRefusal) {
        var reader = HandshakeReader(message)
        let certificate = try reader.next(.certificate)
        try reader.end()
        var list = try CertificateList(certificate, maxCount: HandshakeKind.maxCertificates)
        var entries: [ArraySlice<UInt8>] = []
        while let entry = try list.next() { entries.append(entry) }
        guard !entries.isEmpty else { throw .noClientCertificate }
        self.entries = entries
        self.message = message
        hash = try TranscriptHash.of(message[...], .sha256)
    }

    /// Whether it is the chain of this message.
    func isMessage(_ bytes: ArraySlice<UInt8>) -> Bool { message.isSame(as: bytes) }

    /// The certificates, the client's own first; at least one. Takes longer than all the rest of a
    /// proof (OpenSSL 3.0 needs 110 µs for one), so callers that know the hash need not ask.
    ///
    /// - Throws: `unreadableCertificate`.
    public func certificates() throws(ProofRefusal) -> [Certificate] {
        var certificates: [Certificate] = []
        for entry in entries {
            guard let certificate = Certificate(der: entry) else { throw .unreadableCertificate }
            certificates.append(certificate)
        }
        return certificates
    }
}
