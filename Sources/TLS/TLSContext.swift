// One role's TLS policy, credentials and trust: an SSL_CTX, from which connections are made.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Sockets
public import System

/// An `SSL_CTX`: configured once, usable for ever, shared by any number of loops.
@safe
public final class TLSContext: Sendable {
    enum Role {
        case client, server

        /// The other end, for sentences.
        var peer: Streams.End { self == .client ? .server : .client }
        var peerCertificate: String { "the \(peer)'s certificate" }
    }

    let role: Role
    let trust: Trust?
    let keyLog: KeyLog?
    /// When what it relies on ends.
    public let expiries: [Expiry]
    /// Who is asked for this end's signatures, where its key is elsewhere.
    let signer: (any RemoteSigner)?
    /// Whether this end has a certificate to show.
    let hasCredentials: Bool
    /// Whether the program that has this context speaks plaintext too, for advice.
    let mayBePlaintext: Bool
    /// What the owner of the files should know; sentences without their full stops.
    public let warnings: [String]
    private let shared: SharedPointer<OpaquePointer>
    var pointer: OpaquePointer { unsafe shared.raw }
    /// In the wire's form. At a fixed place, since OpenSSL keeps pointers into it.
    private let applicationProtocols: SharedPointer<UnsafeMutableBufferPointer<UInt8>>

    /// A server's context.
    ///
    /// - Parameter clientTrust: requires a client certificate that it verifies; nil asks for none.
    /// - Throws: `CredentialError`.
    public convenience init(
        serverWith credentials: Credentials, clientTrust: Trust?, options: TLSOptions = TLSOptions()
    ) throws(CredentialError) {
        try self.init(role: .server, credentials: credentials, trust: clientTrust, options: options)
    }

    /// A client's context. The server is always verified.
    ///
    /// - Throws: `CredentialError`.
    public convenience init(
        clientTrusting trust: Trust, credentials: Credentials?, options: TLSOptions = TLSOptions()
    ) throws(CredentialError) {
        try self.init(role: .client, credentials: credentials, trust: trust, options: options)
    }

    private init(
        role: Role, credentials: Credentials?, trust: Trust?, options: TLSOptions
    ) throws(CredentialError) {
        ErrorQueue.assertEmpty()
        guard
            let context = unsafe SSL_CTX_new(
                role == .server ? TLS_server_method() : TLS_client_method())
        else {
            throw CredentialError.refused("a TLS context")
        }
        unsafe shared = unsafe SharedPointer(context)
        self.role = role
        self.trust = trust
        keyLog = options.keyLog
        expiries = (credentials?.expiries ?? []) + (trust?.expiries ?? [])
        hasCredentials = credentials != nil
        signer = credentials?.key.signer
        mayBePlaintext = options.mayBePlaintext
        // A client says where it fails that a CA has no list.
        let gaps = role == .server ? trust?.authoritiesWithoutList ?? [] : []
        warnings = (credentials?.warnings ?? []) + (trust?.warnings ?? []) + gaps
        let names = options.applicationProtocols.flatMap { [UInt8($0.utf8.count)] + $0.utf8 }
        let room = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: names.count)
        _ = unsafe room.initialize(from: names)
        unsafe applicationProtocols = SharedPointer(room)
        unsafe try TLSPolicy.apply(to: context, minimum: options.minimum)
        if let credentials { try use(credentials) }
        if let trust { try verify(with: trust) }
        useApplicationProtocols()
        if options.provesHandshakes { unsafe try HandshakeCollection.install(in: context) }
        if keyLog != nil {
            unsafe SSL_CTX_set_keylog_callback(context) { ssl, line in
                guard let ssl = unsafe ssl, let line = unsafe line else { return }
                unsafe TLSTransport.of(ssl)?.keyLog?.append(String(cString: line))
            }
        }
    }

    deinit {
        unsafe SSL_CTX_free(pointer)
        unsafe applicationProtocols.raw.deallocate()
    }

    private func use(_ credentials: Credentials) throws(CredentialError) {
        guard unsafe SSL_CTX_use_certificate(pointer, credentials.chain[0].pointer) == 1,
            unsafe SSL_CTX_use_PrivateKey(pointer, credentials.key.pointer) == 1
        else { throw CredentialError.refused("the certificate") }
        for certificate in credentials.chain.dropFirst() {
            unsafe X509_up_ref(certificate.pointer)
            guard unsafe parley_SSL_CTX_add0_chain_cert(pointer, certificate.pointer) == 1 else {
                unsafe X509_free(certificate.pointer)
                throw CredentialError.refused("the certificate's chain")
            }
        }
    }

    private func verify(with trust: Trust) throws(CredentialError) {
        unsafe try trust.install(in: pointer)
        let mode =
            role == .client ? SSL_VERIFY_PEER : SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
        unsafe SSL_CTX_set_verify(pointer, mode, nil)
        unsafe SSL_CTX_set_verify_depth(pointer, Self.mostIntermediates)
        // A common name is no name, and so none that a CA's name constraints could be about.
        unsafe X509_VERIFY_PARAM_set_hostflags(
            SSL_CTX_get0_param(pointer), UInt32(X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
        unsafe SSL_CTX_set_cert_verify_callback(
            pointer, { store, _ in unsafe TLSTransport.verify(store!) }, nil)
        if role == .server { nameAuthorities(of: trust) }
    }

    /// Has the CertificateRequest list the names of the CAs (RFC 8446, section 4.2.4), by which a client
    /// that has several certificates chooses.
    private func nameAuthorities(of trust: Trust) {
        guard case .certificates(let certificates, _) = trust.anchors,
            let names = unsafe parley_X509_NAME_stack()
        else { return }
        var size = 0
        for certificate in certificates {
            let added = unsafe parley_X509_NAME_stack_add(names, certificate.pointer)
            size += Int(added) + 2
            guard added >= 0, size <= Self.mostNames else {
                _ = ErrorQueue.drain()
                return unsafe parley_X509_NAME_stack_free(names)
            }
        }
        unsafe SSL_CTX_set_client_CA_list(pointer, names)
    }

    /// In bytes. A list is a hint, and not worth more to each stranger; OpenSSL's own clients take
    /// 64 KiB.
    private static let mostNames = 16_384

    private func useApplicationProtocols() {
        let ours = unsafe applicationProtocols.raw
        guard !ours.isEmpty else { return }
        if role == .client {
            unsafe SSL_CTX_set_alpn_protos(
                pointer, ours.baseAddress, UInt32(ours.count))
            return
        }
        // The context outlives its connections, so that it may be passed unretained.
        unsafe SSL_CTX_set_alpn_select_cb(
            pointer,
            { ssl, chosen, chosenLength, offered, offeredLength, context in
                // What is built on these protocols counts on TLS 1.3.
                guard unsafe SSL_version(ssl) == TLS1_3_VERSION else {
                    return SSL_TLSEXT_ERR_NOACK
                }
                let context = unsafe Unmanaged<TLSContext>.fromOpaque(context!)
                    .takeUnretainedValue()
                let ours = unsafe context.applicationProtocols.raw
                // The choice points into our list, or where there is none into the offer.
                var result: UnsafeMutablePointer<UInt8>?
                let status = unsafe SSL_select_next_proto(
                    &result, chosenLength, ours.baseAddress, UInt32(ours.count), offered,
                    offeredLength)
                guard status == OPENSSL_NPN_NEGOTIATED else { return SSL_TLSEXT_ERR_NOACK }
                unsafe chosen!.pointee = UnsafePointer(result)
                return SSL_TLSEXT_ERR_OK
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    /// More than any PKI has; each costs the verifying end a signature.
    private static let mostIntermediates: Int32 = 10
}
