// Why a handshake's messages are not signed, or prove nobody's identity.
// SPDX-License-Identifier: Apache-2.0

/// What is wrong with messages that were submitted as a handshake of this server. The network
/// process submits none of these unless it is faulty or compromised.
public enum ProofRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// The step is not due: it was already taken, or one before it was not taken or failed.
    case outOfTurn
    /// The proof came later than `HandshakeProof.patience` after the signature.
    case late
    /// The messages end within one, or before the last that is needed.
    case truncated
    /// A message that is out of place, or one too many; what was expected.
    case outOfOrder(due: HandshakeKind)
    /// Something follows the last message.
    case trailingBytes
    case tooLong(HandshakeKind)
    /// The server's own Certificate has more than `ServerFace.longestChain`.
    case longServerChain
    /// Lengths or fixed fields that violate RFC 8446, or a duplicate extension.
    case malformed(HandshakeKind)
    /// The ServerHello does not choose TLS 1.3.
    case notTLS13
    /// The cipher suite's hash is not known, or it is not the same as in the retry.
    case wrongSuite
    /// The ServerHello resumes a session, without showing a certificate.
    case resumption
    /// The EncryptedExtensions accept early data or other certificates than X.509.
    case forbiddenExtension
    /// A context that is not empty: the message is not from a handshake (section 4.4.2).
    case contextNotEmpty
    /// The server's Certificate begins with another certificate than this server's.
    case wrongServerCertificate
    /// The CertificateRequest has no nonce.
    case noNonce
    /// Its nonce is not the one for this handshake.
    case wrongNonce
    /// Not a TLS 1.3 scheme that the signing key can use.
    case unfitScheme
    /// The server's signature is empty or too long.
    case noSignature
    /// The client was not asked for a certificate.
    case clientNotAsked
    case noClientCertificate
    /// More than `HandshakeKind.maxCertificates`.
    case tooManyCertificates
    /// A certificate in the chain is not one, or its key can't be read.
    case unreadableCertificate
    /// The verification of the chain failed.
    case untrustedChain
    /// The Certificate message is not the one whose chain was verified.
    case otherClientCertificate
    /// The client's signature does not match this transcript.
    case wrongClientSignature
    /// Not the parameters of a named group that we support, with a public value of its length (RFC
    /// 8422).
    case malformedKeyExchange
    /// The server random does not end with the sentinel of a downgrade to TLS 1.2.
    case noDowngradeSentinel
    /// OpenSSL could not hash, or had no random bytes.
    case unavailable

    /// For the log: a clause without a full stop.
    public var description: String {
        switch self {
        case .outOfTurn:
            "this step of the handshake's proof was already taken, is not due yet, or came too late"
        case .late: "the client's proof came too long after the server's signature"
        case .truncated: "the handshake's messages are cut short"
        case .outOfOrder(let kind): "another message came where \(kind) was expected"
        case .trailingBytes: "there are bytes after the handshake's last message"
        case .tooLong(let kind): "\(kind) is longer than \(kind.longest) bytes"
        case .longServerChain:
            "the server's own certificates take more than \(ServerFace.longestChain) bytes"
        case .malformed(let kind): "\(kind) is malformed"
        case .notTLS13: "the ServerHello does not choose TLS 1.3"
        case .wrongSuite: "the ServerHello chooses a cipher suite that is not one of ours"
        case .resumption: "the ServerHello resumes a session, but this server resumes none"
        case .forbiddenExtension:
            "the EncryptedExtensions accept early data or another kind of certificate"
        case .contextNotEmpty:
            "a certificate context is not empty, so it is not from a handshake"
        case .wrongServerCertificate: "the server's Certificate is not this server's"
        case .noNonce: "the CertificateRequest has no nonce from this server"
        case .wrongNonce: "the CertificateRequest has the nonce of another handshake"
        case .unfitScheme: "the signature scheme does not fit this key in TLS 1.3"
        case .noSignature: "the server's signature has an unusable length"
        case .clientNotAsked: "the server asked for no client certificate in this handshake"
        case .noClientCertificate: "the client sent no certificate"
        case .tooManyCertificates:
            "the client's chain has more than \(HandshakeKind.maxCertificates) certificates"
        case .unreadableCertificate: "a certificate in the client's chain cannot be read"
        case .untrustedChain: "the client's chain was not accepted"
        case .otherClientCertificate:
            "the client's Certificate is not the one whose chain was verified"
        case .wrongClientSignature: "the client's signature does not belong to this handshake"
        case .malformedKeyExchange: "the key exchange of TLS 1.2 is malformed"
        case .noDowngradeSentinel: "the server random lacks the sentinel for a downgrade to TLS 1.2"
        case .unavailable: "OpenSSL could not provide a hash or random bytes"
        }
    }
}
