// Why a client's chain is not accepted.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
public import Sockets

/// Why a client's chain is not accepted.
public struct ChainRefusal: Error, Hashable, Sendable {
    /// X.509's number (X509_STORE_CTX_get_error(3)), by which OpenSSL chooses the alert; never that of
    /// success.
    public let code: Int32
    /// What a handshake reports.
    public let failure: StreamError

    /// A refusal that was decided elsewhere.
    ///
    /// - Parameters:
    ///   - code: X.509's number, not that of success.
    ///   - failure: what the handshake ends with.
    public init(code: Int32, failure: StreamError) {
        precondition(code != X509_V_OK)
        self.code = code
        self.failure = failure
    }

    /// A chain that can't be part of a proof, or can't be examined for lack of memory.
    public init(_ refusal: ProofRefusal) {
        guard refusal != .unavailable else {
            self.init(unavailable: refusal.description)
            return
        }
        self.init(
            refusal == .tooManyCertificates
                ? X509_V_ERR_CERT_CHAIN_TOO_LONG : X509_V_ERR_CERT_REJECTED,
            StreamError(
                .certificateInvalid,
                "the client's certificate chain was refused: \(refusal.description)"))
    }

    /// Nobody could be asked, or this end has no memory: not the client's fault.
    ///
    /// - Parameter why: for the sentence's end.
    public init(unavailable why: String) {
        self.init(
            X509_V_ERR_UNSPECIFIED,
            StreamError(.system, "the client's certificate can't be verified: \(why)"))
    }

    init(_ code: Int32, _ failure: StreamError?) {
        self.code = code
        let sentence = unsafe String(cString: X509_verify_cert_error_string(Int(code)))
        self.failure =
            failure
            ?? StreamError(
                .certificateInvalid, "the client's certificate is not accepted: \(sentence)",
                cause: .certificate(code, sentence))
    }

    static var outOfMemory: Self {
        _ = ErrorQueue.drain()
        return Self(
            X509_V_ERR_OUT_OF_MEM,
            StreamError(.system, "the client's certificate can't be verified: out of memory"))
    }

    static var unreadable: Self {
        Self(
            X509_V_ERR_CERT_REJECTED,
            StreamError(
                .certificateInvalid,
                "the client's certificate, or one that came with it, is malformed: it cannot be read; its CA must issue a new one"
            ))
    }

    static var nobodyTrusted: Self {
        Self(
            X509_V_ERR_CERT_UNTRUSTED,
            StreamError(
                .unknownCA,
                "the client's certificate is from an unknown CA: this server trusts no CA"))
    }
}
