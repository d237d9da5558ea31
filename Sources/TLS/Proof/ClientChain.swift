// The chain that a client shows in a handshake.
// SPDX-License-Identifier: Apache-2.0

/// A client's Certificate message, whose form was read; nothing is verified of it.
public struct ClientChain: Sendable {
    /// SHA-256 of the whole message, by which a chain that was verified can be remembered: the same
    /// message is the same chain.
    public let hash: [UInt8]
    /// Of the message, in bytes.
    let size: Int
    private let entries: [ArraySlice<UInt8>]

    /// - Parameter message: with its header, and nothing else; 32 KiB at most, in which there are one to
    ///   ten certificates, the client's own first.
    /// - Throws: `ProofRefusal`.
    public init(_ message: [UInt8]) throws(ProofRefusal) {
        var reader = HandshakeReader(message)
        let certificate = try reader.next(.certificate)
        try reader.end()
        var list = try CertificateList(certificate, most: HandshakeKind.mostCertificates)
        var entries: [ArraySlice<UInt8>] = []
        while let entry = try list.next() { entries.append(entry) }
        guard !entries.isEmpty else { throw .noClientCertificate }
        self.entries = entries
        size = message.count
        hash = try TranscriptHash.of(message[...], .sha256)
    }

    /// The certificates, the client's own first; at least one. Costs more than all the rest of a proof
    /// (OpenSSL 3.0 takes 110 µs for one), so that whoever remembers the hash need not ask.
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
