// The kinds of handshake messages that are part of a proof.
// SPDX-License-Identifier: Apache-2.0

/// A handshake message's type (RFC 8446, section 4).
public enum HandshakeKind: UInt8, Sendable, CustomStringConvertible {
    case clientHello = 1
    case serverHello = 2
    case encryptedExtensions = 8
    case certificate = 11
    case certificateRequest = 13
    case certificateVerify = 15
    case finished = 20
    /// Stands for the first ClientHello after a HelloRetryRequest (section 4.4.1).
    case messageHash = 254

    /// The most bytes that a body may have here; the type's own limit is 16 MiB.
    var longest: Int {
        switch self {
        // Today's hellos have 2 KB, most of it a hybrid key share; OpenSSL accepts 128 KiB.
        case .clientHello: 16_384
        // Written by our own end: one key share, one protocol name.
        case .serverHello, .encryptedExtensions: 4_096
        // The CAs' names are 16 KiB at most (`TLSContext`).
        case .certificateRequest: 24_576
        // A client's: ten certificates of 3 KB.
        case .certificate: 32_768
        // An ML-DSA-87 signature has 4,627 bytes.
        case .certificateVerify: 8_192
        // A hash of SHA-256 or SHA-384.
        case .finished, .messageHash: 48
        }
    }

    /// The same for a message that the server itself sends.
    func longest(isServers: Bool) -> Int {
        isServers && self == .certificate ? ServerFace.longestChain : longest
    }

    /// In a client's Certificate. OpenSSL accepts one level more (`TLSContext`); no PKI has so many, and each costs
    /// the verifying end a signature.
    static let maxCertificates = 10

    /// As RFC 8446 spells it.
    public var description: String {
        switch self {
        case .clientHello: "ClientHello"
        case .serverHello: "ServerHello"
        case .encryptedExtensions: "EncryptedExtensions"
        case .certificate: "Certificate"
        case .certificateRequest: "CertificateRequest"
        case .certificateVerify: "CertificateVerify"
        case .finished: "Finished"
        case .messageHash: "message_hash"
        }
    }
}
