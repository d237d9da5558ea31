// What can go wrong with a TLS peer: the codes.
// SPDX-License-Identifier: Apache-2.0
public import Sockets
public import System

extension StreamError.Code {
    // The peer's certificate.
    public static var certificateExpired: Self { Self(rawValue: "certificateExpired") }
    public static var certificateNotYetValid: Self { Self(rawValue: "certificateNotYetValid") }
    /// The certificate is not for the name that was connected to.
    public static var wrongHost: Self { Self(rawValue: "wrongHost") }
    /// The chain does not lead to a trusted CA.
    public static var unknownCA: Self { Self(rawValue: "unknownCA") }
    /// The certificate is self-signed and not trusted.
    public static var selfSigned: Self { Self(rawValue: "selfSigned") }
    public static var certificateRevoked: Self { Self(rawValue: "certificateRevoked") }
    /// The certificate is for the other role.
    public static var wrongPurpose: Self { Self(rawValue: "wrongPurpose") }
    /// The public key is not one of the pinned ones.
    public static var pinMismatch: Self { Self(rawValue: "pinMismatch") }
    /// The revocation list is missing for the issuer, expired, or not signed by it.
    public static var revocationUnknown: Self { Self(rawValue: "revocationUnknown") }
    /// Any other X.509 reason.
    public static var certificateInvalid: Self { Self(rawValue: "certificateInvalid") }
    /// This end's key can't make any signature of TLS that this system allows.
    public static var unusableKey: Self { Self(rawValue: "unusableKey") }
    /// The server requires a client certificate and there was none.
    public static var clientCertificateRequired: Self {
        Self(rawValue: "clientCertificateRequired")
    }
    /// The peer does not accept our certificate; the alert may say why.
    public static var certificateRejected: Self { Self(rawValue: "certificateRejected") }

    // The handshake and the connection.
    /// This end's private key is in another process, which did not sign.
    public static var noSignature: Self { Self(rawValue: "noSignature") }
    public static var noCommonVersion: Self { Self(rawValue: "noCommonVersion") }
    public static var noCommonCipher: Self { Self(rawValue: "noCommonCipher") }
    /// What the peer sent is not TLS.
    public static var peerSpeaksNoTLS: Self { Self(rawValue: "peerSpeaksNoTLS") }
    /// It is a balancer's PROXY protocol header.
    public static var proxyHeader: Self { Self(rawValue: "proxyHeader") }
    /// A client's hello claims to be longer than the limit.
    public static var helloTooLong: Self { Self(rawValue: "helloTooLong") }
    /// A client connected and ended the connection before it had sent anything.
    public static var leftWithoutAWord: Self { Self(rawValue: "leftWithoutAWord") }
    /// The connection ended within the handshake.
    public static var handshakeEnded: Self { Self(rawValue: "handshakeEnded") }
    /// The connection ended without close_notify: data may be missing.
    public static var truncated: Self { Self(rawValue: "truncated") }
    /// Any other failure of TLS, such as a record that was tampered with.
    public static var tlsFailed: Self { Self(rawValue: "tlsFailed") }

    /// Whether one end does not trust the other.
    public var concernsTrust: Bool {
        switch self {
        case .certificateExpired, .certificateNotYetValid, .wrongHost, .unknownCA, .selfSigned,
            .certificateRevoked, .wrongPurpose, .pinMismatch, .revocationUnknown,
            .certificateInvalid, .clientCertificateRequired, .certificateRejected:
            true
        default: false
        }
    }
}
