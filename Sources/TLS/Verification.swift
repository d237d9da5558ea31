// The verification of a peer's certificate, and the sentence for each way that it can fail.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Sockets
internal import System

/// One verification of a peer's certificate, under what a context trusts.
struct Verification {
    private let context: TLSContext
    private let serverName: ServerName?
    /// Why the certificate was not accepted, where more is to be said of it than OpenSSL does.
    private(set) var objection: StreamError?

    /// - Parameter serverName: what a server has to prove; nil for a client's certificate.
    init(under context: TLSContext, serverName: ServerName?) {
        self.context = context
        self.serverName = serverName
    }

    /// OpenSSL's hook in place of `X509_verify_cert`, which it calls: chain, validity, purpose and
    /// name are checked there. Around it stand the pins, and a failure is kept as a sentence while
    /// the certificate is at hand.
    ///
    /// - Parameter latest: the context that is in force by now; nil for the one that the handshake
    ///   began with.
    /// - Returns: 1 where the certificate is accepted, else 0.
    mutating func verify(_ store: OpaquePointer, inForce latest: TLSContext?) -> Int32 {
        guard let trust = context.trust,
            let leafPointer = unsafe X509_STORE_CTX_get0_cert(store)
        else { return 0 }
        let leaf = unsafe Certificate(sharing: leafPointer)

        // What was trusted when the client connected may be in force no longer: a client that takes
        // its time must not be let in by what was revoked meanwhile.
        if let latest, latest !== context {
            var verification = Verification(under: latest, serverName: serverName)
            let untrusted = unsafe X509_STORE_CTX_get0_untrusted(store)
            let code = unsafe verification.verify(leaf, sentWith: untrusted)
            objection = verification.objection
            unsafe X509_STORE_CTX_set_error(store, code)
            return code == X509_V_OK ? 1 : 0
        }
        if !trust.pins.isEmpty, !trust.pins.contains(where: { $0.keyHash == leaf.keyHash }) {
            objection = StreamError(
                .pinMismatch,
                "\(context.role.peerCertificate) has the key \(Pin(keyHash: leaf.keyHash)), which is not the pinned one; "
                    + "somebody may be in between, or the key was replaced: ask the server's administrator"
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
            return unsafe verify(store, leaf, trust)
        }
        return unsafe verify(store, leaf, trust)
    }

    /// Verifies the certificate of an established session's client anew, under what another context
    /// trusts: it may have expired since, or be revoked.
    static func objection(toClientOf ssl: OpaquePointer, under context: TLSContext) -> StreamError?
    {
        ErrorQueue.assertEmpty()
        guard let leafPointer = unsafe SSL_get1_peer_certificate(ssl) else {
            _ = ErrorQueue.drain()
            return StreamError(
                .clientCertificateRequired, "the client has no certificate that could be verified")
        }
        let leaf = unsafe Certificate(owning: leafPointer)
        var verification = Verification(under: context, serverName: nil)
        let sent = unsafe SSL_get_peer_cert_chain(ssl)
        guard unsafe verification.verify(leaf, sentWith: sent) != X509_V_OK else { return nil }
        return verification.objection
            ?? StreamError(.certificateInvalid, "the client's certificate is not accepted any more")
    }

    /// Verifies a client's certificate as a handshake does.
    ///
    /// - Returns: what X.509 says; the sentence is in `objection`.
    private mutating func verify(_ leaf: Certificate, sentWith untrusted: OpaquePointer?) -> Int32 {
        defer { _ = ErrorQueue.drain() }
        guard let trust = context.trust, let store = unsafe X509_STORE_CTX_new() else {
            return X509_V_ERR_OUT_OF_MEM
        }
        defer { unsafe X509_STORE_CTX_free(store) }
        guard
            unsafe X509_STORE_CTX_init(
                store, SSL_CTX_get_cert_store(context.pointer), leaf.pointer, untrusted) == 1,
            unsafe X509_STORE_CTX_set_default(store, "ssl_client") == 1,
            // Depth, and what a name is compared with.
            unsafe X509_VERIFY_PARAM_set1(
                X509_STORE_CTX_get0_param(store), SSL_CTX_get0_param(context.pointer)) == 1
        else { return X509_V_ERR_OUT_OF_MEM }
        unsafe X509_VERIFY_PARAM_set_auth_level(
            X509_STORE_CTX_get0_param(store), SSL_CTX_get_security_level(context.pointer))
        guard unsafe verify(store, leaf, trust) != 1 else { return X509_V_OK }
        let code = unsafe X509_STORE_CTX_get_error(store)
        return code == X509_V_OK ? X509_V_ERR_UNSPECIFIED : code
    }

    private mutating func verify(
        _ store: OpaquePointer, _ leaf: Certificate, _ trust: Trust
    ) -> Int32 {
        defer { _ = ErrorQueue.drain() }
        guard unsafe X509_verify_cert(store) == 1 else {
            let code = unsafe X509_STORE_CTX_get_error(store)
            let failing =
                unsafe X509_STORE_CTX_get_current_cert(store).map {
                    unsafe Certificate(sharing: $0)
                } ?? leaf
            // OpenSSL finds no issuer of a certificate that it can't read, nor takes it for one. What
            // was sent along explains no other failure: anybody may send anything.
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
                in: unsafe certificates(X509_STORE_CTX_get0_chain(store)))
        else { return 1 }
        switch finding {
        case .revoked: unsafe X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REVOKED)
        // The alert must not blame the certificate, which may be a good one: OpenSSL has no more
        // than certificate_unknown for this code.
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

    private func failure(
        _ finding: RevocationLists.Finding, of failing: Certificate, leaf: Certificate,
        lists: RevocationLists
    ) -> StreamError {
        let subject = subject(failing, leaf)
        switch finding {
        case .revoked:
            return StreamError(
                .certificateRevoked,
                "\(subject), serial \(bounded(failing.serial)), was revoked, as \(lists.path) says; do not use it any more"
            )
        case .unknown(let why):
            return StreamError(
                .revocationUnknown,
                "whether \(subject) was revoked cannot be told: \(why); \(RevocationListReading.remedy)"
            )
        }
    }

    private func subject(_ failing: Certificate, _ leaf: Certificate) -> String {
        unsafe X509_cmp(failing.pointer, leaf.pointer) == 0
            ? context.role.peerCertificate
            : "a CA's certificate behind \(context.role.peerCertificate)"
    }

    private func failure(
        _ code: Int32, leaf: Certificate, failing: Certificate, trust: Trust
    ) -> StreamError {
        // Validity and revocation may fail anywhere in the chain; the name and the purpose are
        // the leaf's.
        let isLeaf = unsafe X509_cmp(failing.pointer, leaf.pointer) == 0
        let subject = subject(failing, leaf)
        let renew =
            context.role == .client || !isLeaf
            ? "its administrator must renew it" : "the client must renew it"
        switch code {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return StreamError(
                .certificateExpired, "\(subject) expired on \(failing.notAfter); \(renew)")
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return StreamError(
                .certificateNotYetValid,
                "\(subject) is not valid before \(failing.notBefore); check the clocks of both machines"
            )
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            return wrongHost(leaf)
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
            return StreamError(
                .selfSigned,
                "\(subject) is self-signed and not in \(trust.origin)",
                remedy: .trust(context.role.peer, isSelfSigned: true))
        case _ where Self.issuerCodes.contains(code): return issuerFailure(failing, trust)
        case X509_V_ERR_INVALID_PURPOSE:
            let role = context.role == .client ? "server" : "client"
            return StreamError(
                .wrongPurpose,
                "\(subject) has the wrong purpose: it is not made for a \(role); one with the right key usage is needed"
            )
        default:
            return StreamError(.certificateInvalid, "\(subject) is not accepted: \(sentence(code))")
        }
    }

    /// No issuer was found that is trusted, or not the one who signed.
    private static let issuerCodes = [
        X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
        X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
        X509_V_ERR_CERT_SIGNATURE_FAILURE, X509_V_ERR_CERT_UNTRUSTED,
    ]

    private func wrongHost(_ leaf: Certificate) -> StreamError {
        let names = leaf.names
        let wanted = serverName?.description ?? "this host"
        let hosts = names.filter { $0.kind == .dns || $0.kind == .ip }
        let (advice, remedy): (String, Streams.Remedy?) =
            if names.isEmpty {
                ("; its administrator must get one that has the server's name", nil)
            } else if !hosts.isEmpty {
                ("", .askForNameOfServer)
            } else if let uri = names.first(where: { $0.kind == .uri }) {
                ("", .askForServer(bounded(uri.description)))
            } else {
                ("; it names no server: its administrator must get one that does", nil)
            }
        // What is nearest to the name that was wanted, since a certificate may have thousands.
        let end = wanted.split(separator: ".").dropFirst().joined(separator: ".").lowercased()
        let near = names.filter { !end.isEmpty && $0.value.lowercased().hasSuffix(end) }
        let far = names.filter { name in !near.contains(name) }
        return StreamError(
            .wrongHost,
            "\(context.role.peerCertificate) is not for \(bounded(wanted)) but for "
                + "\(list(near + far))\(advice)", remedy: remedy)
    }

    /// Some of the names, and how many more there are.
    private func list(_ names: [SubjectName]) -> String {
        guard !names.isEmpty else { return "no name at all" }
        let shown = names.prefix(Self.mostNames).map { bounded($0.description, to: 100) }
        let more = names.count - shown.count
        return shown.joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
    }

    private static let mostNames = 5

    /// No CA that is trusted has signed it.
    private func issuerFailure(_ failing: Certificate, _ trust: Trust) -> StreamError {
        guard case .certificates(let authorities, let path) = trust.anchors,
            let name = unsafe DistinguishedName(copying: X509_get_issuer_name(failing.pointer)),
            let namesake = authorities.first(where: { name.isSubject(of: $0) })
        else {
            return StreamError(
                .unknownCA,
                "\(context.role.peerCertificate) is from an unknown CA (\(failing.issuer)); trusted is what stands in \(trust.origin)",
                remedy: trustIt)
        }
        let key = failing.isSelfSigned ? failing.keyID : failing.issuerKeyID
        let which =
            if let key, let ours = namesake.keyID, key != ours {
                " (\(name)): its key id is \(key), and that of the one in \(path) is \(ours)"
            } else {
                " (\(name)) as the one in \(path), but not from that one"
            }
        return StreamError(
            .unknownCA,
            "\(context.role.peerCertificate) is from another CA of the same name\(which)",
            remedy: trustIt)
    }

    private var trustIt: Streams.Remedy { .trust(context.role.peer, isSelfSigned: false) }

    /// X.509's own words.
    private func sentence(_ code: Int32) -> String {
        unsafe String(cString: X509_verify_cert_error_string(Int(code)))
    }
}
