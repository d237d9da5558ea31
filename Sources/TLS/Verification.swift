// The verification of a peer's certificate.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Sockets
internal import System

/// One verification of a peer's certificate, under a context's trust.
struct Verification {
    let context: TLSContext
    let serverName: ServerName?
    private let moment: Int?
    /// Why the certificate was not accepted, if there is more to say than OpenSSL does.
    private(set) var objection: StreamError?
    /// The chain that was built, if it was accepted outside a handshake: the leaf first, the anchor
    /// last.
    private(set) var chain: [Certificate] = []

    /// - Parameters:
    ///   - serverName: what a server must prove; nil for a client's certificate.
    ///   - moment: outside a handshake, the time in seconds since 1970; nil for now.
    init(under context: TLSContext, serverName: ServerName?, at moment: Int? = nil) {
        self.context = context
        self.serverName = serverName
        self.moment = moment
    }

    /// OpenSSL's hook in place of `X509_verify_cert`, which it calls: chain, validity, purpose and
    /// name are checked there. The pins are checked before it, and a failure is kept as a sentence
    /// while the certificate is available.
    ///
    /// - Returns: 1 if the certificate is accepted, else 0.
    mutating func verify(_ store: OpaquePointer) -> Int32 {
        guard let trust = context.trust,
            let leafPointer = unsafe X509_STORE_CTX_get0_cert(store)
        else { return 0 }
        let leaf = unsafe Certificate(sharing: leafPointer)
        return unsafe verify(store, leaf, trust)
    }

    /// Verifies a client's certificate as a handshake does.
    ///
    /// - Parameter untrusted: a stack of the certificates that came with it; it may be among them.
    /// - Returns: the X.509 code; the sentence is in `objection`, and an accepted chain in `chain`.
    mutating func verify(_ leaf: Certificate, sentWith untrusted: OpaquePointer?) -> Int32 {
        defer { _ = ErrorQueue.drain() }
        guard let trust = context.trust, let store = unsafe X509_STORE_CTX_new() else {
            return X509_V_ERR_OUT_OF_MEM
        }
        defer { unsafe X509_STORE_CTX_free(store) }
        guard
            unsafe X509_STORE_CTX_init(
                store, SSL_CTX_get_cert_store(context.pointer), leaf.pointer, untrusted) == 1,
            unsafe X509_STORE_CTX_set_default(store, "ssl_client") == 1,
            // The depth, and how names are compared.
            unsafe X509_VERIFY_PARAM_set1(
                X509_STORE_CTX_get0_param(store), SSL_CTX_get0_param(context.pointer)) == 1
        else { return X509_V_ERR_OUT_OF_MEM }
        unsafe X509_VERIFY_PARAM_set_auth_level(
            X509_STORE_CTX_get0_param(store), SSL_CTX_get_security_level(context.pointer))
        if let moment {
            unsafe X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(store), moment)
        }
        guard unsafe verify(store, leaf, trust) != 1 else {
            chain = unsafe certificates(X509_STORE_CTX_get0_chain(store))
            return X509_V_OK
        }
        let code = unsafe X509_STORE_CTX_get_error(store)
        return code == X509_V_OK ? X509_V_ERR_UNSPECIFIED : code
    }

    private mutating func verify(
        _ store: OpaquePointer, _ leaf: Certificate, _ trust: Trust
    ) -> Int32 {
        if !trust.pins.isEmpty, !trust.pins.contains(where: { $0.keyHash == leaf.keyHash }) {
            objection = StreamError(
                .pinMismatch,
                "\(context.role.peerCertificate) has the key \(Pin(keyHash: leaf.keyHash)), which is not the pinned one; "
                    + "someone may be intercepting the connection, or the key was replaced: ask the server's administrator"
            )
            unsafe X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED)
            return 0
        }
        if case .pins = trust.anchors {
            // The pinned certificate is its own anchor; everything else about it still counts.
            let anchors = unsafe parley_X509_stack(leaf.pointer)
            defer { unsafe parley_X509_stack_free(anchors) }
            unsafe X509_STORE_CTX_set0_trusted_stack(store, anchors)
            unsafe X509_STORE_CTX_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
            return unsafe verifyChain(store, leaf, trust)
        }
        return unsafe verifyChain(store, leaf, trust)
    }

    private mutating func verifyChain(
        _ store: OpaquePointer, _ leaf: Certificate, _ trust: Trust
    ) -> Int32 {
        defer { _ = ErrorQueue.drain() }
        guard unsafe X509_verify_cert(store) == 1 else {
            let code = unsafe X509_STORE_CTX_get_error(store)
            let failing =
                unsafe X509_STORE_CTX_get_current_cert(store).map {
                    unsafe Certificate(sharing: $0)
                } ?? leaf
            // OpenSSL finds no issuer for a certificate that it can't read, and does not use it as
            // one. Other certificates that were sent explain no other failure: anyone can send
            // anything.
            let sent =
                Self.issuerCodes.contains(code)
                ? unsafe certificates(X509_STORE_CTX_get0_untrusted(store)) : []
            if let bad = ([failing, leaf] + sent).first(where: \.isMalformed) {
                unsafe X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED)
                objection = StreamError(
                    .certificateInvalid,
                    "\(subject(bad, leaf)) is malformed: an extension of it cannot be read; its CA must issue a new one"
                )
                return 0
            }
            let failure = failure(code, leaf: leaf, failing: failing, trust: trust)
            objection = failure.caused(by: .certificate(code, sentence(code)))
            return 0
        }
        if case .uri(let uri)? = serverName,
            !leaf.names.contains(where: { $0.kind == .uri && $0.value == uri })
        {
            unsafe X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH)
            objection = wrongHost(leaf)
            return 0
        }
        guard let lists = trust.crls,
            let (failing, finding) = lists.finding(
                in: unsafe certificates(X509_STORE_CTX_get0_chain(store)),
                now: moment ?? CertificateTime.now)
        else { return 1 }
        switch finding {
        case .revoked: unsafe X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REVOKED)
        // The alert must not blame the certificate, which may be good: for this code OpenSSL sends
        // only certificate_unknown.
        case .unknown: unsafe X509_STORE_CTX_set_error(store, X509_V_ERR_DIFFERENT_CRL_SCOPE)
        }
        objection = failure(
            finding, of: failing, leaf: leaf, lists: lists)
        return 0
    }

    private func certificates(_ stack: OpaquePointer?) -> [Certificate] {
        unsafe (0..<max(0, OPENSSL_sk_num(stack))).map {
            unsafe Certificate(sharing: OpaquePointer(OPENSSL_sk_value(stack, $0)!))
        }
    }
}
