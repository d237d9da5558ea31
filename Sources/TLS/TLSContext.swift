// One role's TLS policy, credentials and trust: an SSL_CTX, from which connections are created.
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
    /// Nil for an end that verifies nobody, and if another process verifies.
    let trust: Trust?
    let options: TLSOptions
    var keyLog: KeyLog? { options.keyLog }
    /// When the files that it relies on expire.
    public let expiries: [Expiry]
    /// Whether it is for a server that requires client certificates.
    public var asksForClients: Bool { role == .server && trusted != nil }
    /// The oldest version that is accepted.
    public var minimum: TLSVersion { options.minimum }
    /// This end's credentials; nil for a client without a certificate.
    public let credentials: Credentials?
    /// The signer for this end's remote key, if it has one.
    var signer: (any RemoteSigner)? { credentials?.key.signer }
    /// Who is asked about a server's clients, if another process decides.
    let verifier: (any ClientVerifier)?
    private let peers = SeenPeers()
    /// The name of the trusted CAs in sentences; nil if nobody is verified.
    let trusted: String?
    /// Whether this end has a certificate to show.
    var hasCredentials: Bool { credentials != nil }
    /// Whether the program also supports plaintext, for advice.
    var mayBePlaintext: Bool { options.mayBePlaintext }
    /// What the owner of the files should know; sentences without their full stops.
    public let warnings: [String]
    private let shared: SharedPointer<OpaquePointer>
    var pointer: OpaquePointer { unsafe shared.raw }
    /// In wire format. At a fixed address, since OpenSSL keeps pointers into it.
    private let applicationProtocols: SharedPointer<UnsafeMutableBufferPointer<UInt8>>

    /// A server's context.
    ///
    /// - Parameters:
    ///   - credentials: what the server proves itself with.
    ///   - clientTrust: requires a client certificate that it accepts; nil asks for none.
    ///   - options: what both roles may set.
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

    /// A server's context whose key and trust are in another process, which has checked `face`.
    ///
    /// - Parameters:
    ///   - face: what the other process has checked.
    ///   - key: the key that is there.
    ///   - verifier: asked about each client, if clients are asked for certificates.
    /// - Throws: `CredentialError`.
    public convenience init(
        server face: ServerFace, key: RemoteKey, verifier: any ClientVerifier
    ) throws(CredentialError) {
        let chain = face.chain.compactMap { Certificate(der: $0, atMost: ServerFace.longestChain) }
        guard chain.count == face.chain.count else {
            throw .refused("a certificate of \(face.path)")
        }
        var options = face.options
        options.provesHandshakes = true
        try self.init(
            role: .server,
            credentials: Credentials(tried: chain, from: face.path, key: key), trust: nil,
            options: options, clients: face.clients,
            verifier: face.clients == nil ? nil : verifier)
    }

    private init(
        role: Role, credentials: Credentials?, trust: Trust?, options: TLSOptions,
        clients: ServerFace.Clients? = nil, verifier: (any ClientVerifier)? = nil
    ) throws(CredentialError) {
        ErrorQueue.assertEmpty()
        // With the key elsewhere, nothing but the handshake itself is done under the context.
        let library = unsafe verifier == nil ? nil : LeanLibrary.context
        guard
            let context = unsafe SSL_CTX_new_ex(
                library, nil, role == .server ? TLS_server_method() : TLS_client_method())
        else {
            throw CredentialError.refused("a TLS context")
        }
        unsafe shared = unsafe SharedPointer(context)
        self.role = role
        self.trust = trust
        self.options = options
        self.credentials = credentials
        self.verifier = verifier
        trusted = clients?.origin ?? trust?.origin
        expiries = (credentials?.expiries ?? []) + (trust?.expiries ?? [])
        // A client reports that a CA has no list when it fails.
        let gaps = role == .server ? trust?.authoritiesWithoutList ?? [] : []
        warnings = (credentials?.warnings ?? []) + (trust?.warnings ?? []) + gaps
        let names = options.applicationProtocols.flatMap { [UInt8($0.utf8.count)] + $0.utf8 }
        let room = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: names.count)
        _ = unsafe room.initialize(from: names)
        unsafe applicationProtocols = SharedPointer(room)
        unsafe try TLSPolicy.apply(to: context, minimum: options.minimum)
        if let credentials {
            try use(credentials)
            if role == .client { unsafe TLSTransport.noteWhetherAsked(in: context) }
        }
        if let trust { try verify(with: trust) }
        if let clients { ask(clients) }
        useApplicationProtocols()
        if options.provesHandshakes { unsafe try HandshakeCollection.install(in: context) }
        if keyLog != nil {
            unsafe SSL_CTX_set_keylog_callback(context) { ssl, line in
                guard let ssl = unsafe ssl, let line = unsafe line else { return }
                unsafe TLSTransport.of(ssl)?.keyLog?.append(String(cString: line))
            }
        }
    }

    /// What another process needs for a context like this server's; nil for a client's.
    public var face: ServerFace? {
        guard role == .server, let credentials else { return nil }
        return ServerFace(
            chain: credentials.chain.map(\.der), path: credentials.path,
            clients: trust.map {
                ServerFace.Clients(authorities: $0.authorityNames, origin: $0.origin)
            }, options: options)
    }

    /// Who an accepted peer is.
    func seen(_ certificate: Certificate) -> PeerIdentity {
        // A client has one peer.
        role == .server ? peers.identity(in: certificate) : certificate.identity
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
        unsafe SSL_CTX_set_verify_depth(pointer, Self.maxIntermediates)
        // A common name does not count as a name, so a CA's name constraints don't apply to it.
        unsafe X509_VERIFY_PARAM_set_hostflags(
            SSL_CTX_get0_param(pointer), UInt32(X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
        requireCertificate()
        if role == .server { name(trust.authorityNames) }
    }

    private func requireCertificate() {
        let mode =
            role == .client ? SSL_VERIFY_PEER : SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
        unsafe SSL_CTX_set_verify(pointer, mode, nil)
        unsafe SSL_CTX_set_cert_verify_callback(
            pointer, { store, _ in unsafe TLSTransport.verify(store!) }, nil)
    }

    /// Asks clients for certificates, which are verified in another process.
    private func ask(_ clients: ServerFace.Clients) {
        requireCertificate()
        name(clients.authorities)
    }

    /// Lists the names of the CAs in the CertificateRequest (RFC 8446, section 4.2.4), so that a client
    /// with several certificates can choose.
    private func name(_ authorities: [[UInt8]]) {
        let names = authorities.compactMap { DistinguishedName(der: $0) }
        guard !names.isEmpty, let list = unsafe parley_X509_NAME_stack() else { return }
        for name in names {
            guard unsafe parley_X509_NAME_stack_add(list, name.pointer) >= 0 else {
                _ = ErrorQueue.drain()
                return unsafe parley_X509_NAME_stack_free(list)
            }
        }
        unsafe SSL_CTX_set_client_CA_list(pointer, list)
    }

    private func useApplicationProtocols() {
        let ours = unsafe applicationProtocols.raw
        guard !ours.isEmpty else { return }
        if role == .client {
            unsafe SSL_CTX_set_alpn_protos(
                pointer, ours.baseAddress, UInt32(ours.count))
            return
        }
        // The context outlives its connections, so it may be passed unretained.
        unsafe SSL_CTX_set_alpn_select_cb(
            pointer,
            { ssl, chosen, chosenLength, offered, offeredLength, context in
                // What is built on these protocols relies on TLS 1.3.
                guard unsafe SSL_version(ssl) == TLS1_3_VERSION else {
                    return SSL_TLSEXT_ERR_NOACK
                }
                let context = unsafe Unmanaged<TLSContext>.fromOpaque(context!)
                    .takeUnretainedValue()
                let ours = unsafe context.applicationProtocols.raw
                // The choice points into our list or, if there is none, into the offer.
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
    private static let maxIntermediates: Int32 = 10
}
