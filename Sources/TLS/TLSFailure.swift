// What a failed OpenSSL call means, in a sentence.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
public import Sockets
public import System

extension TLSStream {
    /// Adds the reasons as its cause, if they are.
    func failure(_ reasons: [OpenSSLReason], _ operation: String) -> StreamError {
        if let callbackFailure { return callbackFailure }
        return meaning(of: reasons, operation).caused(by: .openSSL(reasons.map(\.text)))
    }

    private func meaning(of reasons: [OpenSSLReason], _ operation: String) -> StreamError {
        if !isEstablished && channel.opening.speaksNoTLS { return peerSpeaksNoTLS }
        for reason in reasons {
            if let alert = reason.alert { return failure(alert: alert, reason.text) }
            guard reason.library == ERR_LIB_SSL else { continue }
            switch reason.reason {
            case SSL_R_UNEXPECTED_EOF_WHILE_READING:
                return isEstablished
                    ? StreamError(
                        .truncated,
                        "the connection was cut short: the \(peer) ended it without close_notify, so data may be missing"
                    )
                    : handshakeEnded
            case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
                return StreamError(
                    .clientCertificateRequired,
                    "the client sent no certificate, but one from a CA in \(context.trusted ?? "the trust store") is required"
                )
            case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_WRONG_SSL_VERSION, SSL_R_VERSION_TOO_LOW,
                SSL_R_VERSION_TOO_HIGH, SSL_R_NO_PROTOCOLS_AVAILABLE:
                return noCommonVersion
            case SSL_R_NO_SHARED_CIPHER, SSL_R_WRONG_CIPHER_RETURNED, SSL_R_UNKNOWN_CIPHER_RETURNED,
                SSL_R_NO_SHARED_GROUPS, SSL_R_NO_SUITABLE_KEY_SHARE,
                SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
                return noCommonCipher
            default: continue
            }
        }
        let reason = reasons.last?.text ?? "OpenSSL gave no reason"
        // It is unknown who caused that: it must not be held against a peer.
        let code: StreamError.Code = reasons.contains(where: \.isOutOfMemory) ? .system : .tlsFailed
        return StreamError(code, "TLS failed during \(operation) with the \(peer): \(reason)")
    }

    /// What an alert from the peer means (RFC 8446, section 6.2).
    func failure(alert: Int32, _ text: String) -> StreamError {
        switch alert {
        case 116:
            return context.hasCredentials
                ? StreamError(
                    .clientCertificateRequired,
                    "the server requires a client certificate but accepts no signature that our key can make; use another certificate and key, for example on the curve P-256, or have the server's administrator allow this one"
                )
                : StreamError(
                    .clientCertificateRequired, "the server requires a client certificate",
                    remedy: .giveCertificate)
        case 46:
            // Parley sends it if it can't check revocation, which is not the certificate's fault.
            return StreamError(
                .certificateRejected,
                context.role == .client
                    ? "the server did not accept our certificate and gave no reason; the certificate may be good and the server's CRL out of date: ask its administrator, whose log says why"
                    : "the client did not accept our certificate and gave no reason; the certificate may be good and the client's CRL out of date: the client says why"
            )
        case 42...45, 48, 49, 51:
            let why = alertReasons[alert] ?? text
            return context.role == .client
                ? StreamError(
                    .certificateRejected, "the server rejected our certificate: \(why)",
                    remedy: .giveTrustedCertificate)
                : StreamError(
                    .certificateRejected,
                    "the client rejected our certificate: \(why); it must trust this server's CA and find the server's name in the certificate"
                )
        case 70: return noCommonVersion
        // In a session these have other reasons, such as a refused renegotiation.
        case 40 where !isEstablished, 71 where !isEstablished: return noCommonCipher
        default:
            // OpenSSL has no text for a number that RFC 8446 doesn't define.
            let name = text.hasPrefix("error ") ? "number \(alert)" : text
            return StreamError(.tlsFailed, "the \(peer) ended TLS with an alert: \(name)")
        }
    }

    private var alertReasons: [Int32: String] {
        [
            // Only a server's certificate has a name to match.
            42: context.role == .client
                ? "it is malformed, not valid yet, or made in a way that the server does not accept"
                : "it is unsuitable, for example because of its name",
            43: "its type is not supported", 44: "it was revoked", 45: "it has expired",
            48: "its CA is unknown there", 49: "access was denied",
            51: "its signature could not be verified",
        ]
    }

    private var noCommonVersion: StreamError {
        StreamError(
            .noCommonVersion,
            "the \(peer) and this end have no TLS version in common", remedy: .allowOlderTLS(peer))
    }

    private var noCommonCipher: StreamError {
        StreamError(
            .noCommonCipher,
            "the \(peer) and this end have no cipher suite or group in common"
                + (context.role == .client
                    ? ", or the server requires a client certificate in TLS 1.2"
                    : "; the client's TLS is too old or too restricted"),
            remedy: context.role == .client ? .updateOrGiveCertificate : nil)
    }

    var handshakeEnded: StreamError {
        guard !hasLeftWithoutAWord else { return Self.leftWithoutAWord }
        return StreamError(
            .handshakeEnded, "the \(peer) ended the connection during the TLS handshake",
            remedy: .findOutWhetherPeerSpeaksTLS(mayBePlaintext: context.mayBePlaintext))
    }

    /// Whether a client only connected and sent nothing.
    var hasLeftWithoutAWord: Bool {
        context.role == .server && channel.opening.isEmpty && !isEstablished
    }

    /// The failure of a client that connected and left.
    public static var leftWithoutAWord: StreamError {
        StreamError(
            .leftWithoutAWord,
            "the client connected and left without sending anything, as health checks and port scans do"
        )
    }

    var peerSpeaksNoTLS: StreamError {
        if channel.opening.isProxyHeader {
            return StreamError(
                .proxyHeader,
                "a PROXY protocol header arrived instead of TLS, but this server accepts none from that address; disable it on the load balancer, or have this server accept it from there"
            )
        }
        return StreamError(
            .peerSpeaksNoTLS, "the \(peer) speaks plaintext, not TLS",
            remedy: .haveEncrypt(peer, mayBePlaintext: context.mayBePlaintext))
    }

    private var peer: Streams.End { context.role.peer }

    static var helloTooLong: StreamError {
        StreamError(
            .helloTooLong,
            "the client's ClientHello is longer than \(HandshakeKind.clientHello.longest) bytes, the longest that is accepted"
        )
    }

    static func noSignature(_ refusal: SigningRefusal) -> StreamError {
        StreamError(
            .noSignature,
            "the process that holds this end's key did not sign: \(refusal.reason)")
    }

    static func outOfMemory() -> StreamError {
        let reasons = ErrorQueue.drain().map(\.text)
        return StreamError(
            .system, "cannot set up a TLS connection: \(reasons.last ?? "out of memory")",
            cause: .openSSL(reasons))
    }
}
