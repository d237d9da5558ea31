// What can go wrong with a TLS peer.
// SPDX-License-Identifier: Apache-2.0
public import Sockets

extension StreamError.Code {
    // The peer's certificate.
    public static let certificateExpired = Self(rawValue: "certificateExpired")
    public static let certificateNotYetValid = Self(rawValue: "certificateNotYetValid")
    /// The certificate is for other names than the one that was connected to.
    public static let wrongHost = Self(rawValue: "wrongHost")
    /// The chain leads to no trusted CA.
    public static let unknownCA = Self(rawValue: "unknownCA")
    /// The certificate vouches for itself and is not trusted.
    public static let selfSigned = Self(rawValue: "selfSigned")
    public static let certificateRevoked = Self(rawValue: "certificateRevoked")
    /// The certificate is made for the other role.
    public static let wrongPurpose = Self(rawValue: "wrongPurpose")
    /// The public key is none of those that were pinned.
    public static let pinMismatch = Self(rawValue: "pinMismatch")
    /// The revocation list is missing for the issuer, expired, or not signed by it.
    public static let revocationUnknown = Self(rawValue: "revocationUnknown")
    /// Any other reason of X.509's.
    public static let certificateInvalid = Self(rawValue: "certificateInvalid")
    /// The server requires a client certificate and there was none.
    public static let clientCertificateRequired = Self(rawValue: "clientCertificateRequired")
    /// The peer does not accept our certificate; the alert says how far it tells why.
    public static let certificateRejected = Self(rawValue: "certificateRejected")

    // The handshake and the connection.
    public static let noCommonVersion = Self(rawValue: "noCommonVersion")
    public static let noCommonCipher = Self(rawValue: "noCommonCipher")
    /// What the peer sent is no TLS.
    public static let peerSpeaksNoTLS = Self(rawValue: "peerSpeaksNoTLS")
    /// It is a balancer's PROXY protocol header.
    public static let proxyHeader = Self(rawValue: "proxyHeader")
    /// A client connected and ended the connection before it had sent anything.
    public static let leftWithoutAWord = Self(rawValue: "leftWithoutAWord")
    /// The connection ended within the handshake.
    public static let handshakeEnded = Self(rawValue: "handshakeEnded")
    /// The connection ended without close_notify: something may be missing.
    public static let truncated = Self(rawValue: "truncated")
    /// Any other failure of TLS, such as a record that was tampered with.
    public static let tlsFailed = Self(rawValue: "tlsFailed")

    /// Whether one end does not trust the other.
    public var concernsTrust: Bool { Self.trustCodes.contains(self) }

    private static let trustCodes: Set<Self> = [
        .certificateExpired, .certificateNotYetValid, .wrongHost, .unknownCA, .selfSigned,
        .certificateRevoked, .wrongPurpose, .pinMismatch, .revocationUnknown, .certificateInvalid,
        .clientCertificateRequired, .certificateRejected,
    ]
}
