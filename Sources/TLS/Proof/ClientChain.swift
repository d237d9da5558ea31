// The chain that a client shows in a handshake.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// A client's Certificate message, whose form was read; nothing is verified of it.
public struct ClientChain: Sendable {
    /// SHA-256 of the whole message, by which a chain that was verified can be remembered: the same
    /// message is the same chain.
    public let hash: [UInt8]
    private let entries: [ArraySlice<UInt8>]

    /// - Parameter message: with its header, and nothing else.
    init(_ message: [UInt8]) throws(ProofRefusal) {
        var reader = HandshakeReader(message)
        let certificate = try reader.next(.certificate)
        try reader.end()
        var list = try CertificateList(certificate)
        var entries: [ArraySlice<UInt8>] = []
        while let entry = try list.next() { entries.append(entry) }
        guard !entries.isEmpty else { throw .noClientCertificate }
        self.entries = entries
        hash = try TranscriptHash.of(message[...], .sha256)
    }

    /// The certificates, the client's own first; at least one. Costs more than all the rest of a proof
    /// (OpenSSL 3.0 takes 110 µs for one), so that whoever remembers the hash need not ask.
    ///
    /// - Throws: `unreadableCertificate`.
    public func certificates() throws(ProofRefusal) -> [Certificate] {
        var certificates: [Certificate] = []
        for entry in entries { certificates.append(try Self.certificate(entry)) }
        return certificates
    }

    private static func certificate(
        _ encoded: ArraySlice<UInt8>
    ) throws(ProofRefusal) -> Certificate {
        defer { _ = ErrorQueue.drain() }
        let bytes = Array(encoded)
        let certificate = unsafe bytes.withUnsafeBufferPointer { buffer in
            var place = buffer.baseAddress
            let read = unsafe d2i_X509(nil, &place, buffer.count)
            guard let read = unsafe read else { return nil as Certificate? }
            let certificate = unsafe Certificate(owning: read)
            // Bytes behind it would be the chain's, and of no certificate.
            return unsafe place == buffer.baseAddress! + buffer.count ? certificate : nil
        }
        guard let certificate else { throw .unreadableCertificate }
        return certificate
    }
}
