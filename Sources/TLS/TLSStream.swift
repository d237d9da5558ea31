// A stream encrypted by OpenSSL.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Glibc
public import Sockets
public import System

/// TLS over a channel. The handshake is a separate step; until it is done nothing can be read or
/// written. Confined to the channel's loop.
@safe
public final class TLSStream: TLSTransport, ByteStream {
    // In the order of use, since a message should touch few cache lines.

    let ssl: OpaquePointer
    /// The first failure, which is permanent: nothing more may be sent after it, not even
    /// close_notify (RFC 8446, section 6).
    private(set) var failure: StreamError?
    public var readAhead: [UInt8]?
    /// Whether the handshake is done.
    public private(set) var isEstablished = false
    let context: TLSContext
    /// The peer's verified identity; nil before the handshake and for a peer without a certificate.
    public private(set) var peerIdentity: PeerIdentity?
    /// Set by OpenSSL's callbacks for verification and signatures, for the handshake's error.
    var callbackFailure: StreamError?
    let serverName: ServerName?

    /// The server's side.
    public convenience init(
        server context: TLSContext, over channel: Channel
    ) throws(StreamError) {
        precondition(context.role == .server)
        try self.init(context, channel, serverName: nil)
    }

    /// The client's side; the server must prove `serverName`.
    public convenience init(
        client context: TLSContext, serverName: ServerName, over channel: Channel
    ) throws(StreamError) {
        precondition(context.role == .client)
        try self.init(context, channel, serverName: serverName)
    }

    private init(_ context: TLSContext, _ channel: Channel, serverName: ServerName?)
        throws(StreamError)
    {
        ErrorQueue.assertEmpty()
        guard let ssl = unsafe SSL_new(context.pointer) else { throw Self.outOfMemory() }
        guard let bio = unsafe BIO_new(ChannelBIO.method) else {
            unsafe SSL_free(ssl)
            throw Self.outOfMemory()
        }
        unsafe self.ssl = unsafe ssl
        self.context = context
        self.serverName = serverName
        super.init(over: channel)
        let itself = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe BIO_set_data(bio, itself)
        unsafe BIO_set_init(bio, 1)
        unsafe SSL_set_bio(ssl, bio, bio)
        guard let serverName else {
            unsafe SSL_set_accept_state(ssl)
            gauge = Gauge()
            return
        }
        unsafe SSL_set_connect_state(ssl)
        let parameters = unsafe SSL_get0_param(ssl)
        let accepted: Int32
        switch serverName {
        case .dns(let name):
            unsafe X509_VERIFY_PARAM_set_hostflags(
                parameters,
                UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
            accepted =
                unsafe X509_VERIFY_PARAM_set1_host(parameters, name, 0)
                & parley_SSL_set_tlsext_host_name(ssl, name)
        case .address(let address):
            accepted = unsafe X509_VERIFY_PARAM_set1_ip_asc(parameters, address)
        // OpenSSL does not compare URIs: the verification does.
        case .uri: accepted = 1
        }
        // Without a name to check, any certificate from the CA would do.
        guard accepted == 1 else { throw Self.outOfMemory() }
    }

    deinit {
        unsafe SSL_free(ssl)
    }

    // MARK: The handshake

    /// Performs the handshake within its deadline, then begins the idle phase.
    ///
    /// - Throws: `StreamError`; a fatal alert is then on its way to the peer, and `close()` lets it
    ///   arrive.
    public func handshake() async throws(StreamError) {
        channel.enterHandshake()
        do throws(StreamError) {
            while case .blocked(let direction) = try attemptHandshake() {
                try await channel.wait(for: direction)
            }
        } catch {
            throw ownKeysFailure ?? error
        }
        // The server will say that it requires a certificate, which is not the cause.
        if let failure = ownKeysFailure { throw fail(failure) }
        // Nothing answers a client's last flight, since there are no tickets: its first message
        // would wait for our delayed acknowledgement, 40 ms (Nagle's algorithm at its end).
        if context.role == .server { channel.acknowledge() }
        channel.enter(.idle)
    }

    /// Continues the handshake; `.moved` when it is done.
    public func attemptHandshake() throws(StreamError) -> Attempt {
        if let failure { throw failure }
        ErrorQueue.assertEmpty()
        let attempt = try outcome(of: continueHandshake(), "the TLS handshake")
        switch attempt {
        case .moved:
            isEstablished = true
            gauge = nil
            // What follows is not part of the handshake.
            if transcript != nil { unsafe SSL_set_msg_callback(ssl, nil) }
            if let certificate = unsafe SSL_get1_peer_certificate(ssl) {
                peerIdentity = unsafe context.seen(Certificate(owning: certificate))
            }
        case .blocked:
            // OpenSSL waits for a whole record header, which "quit" is too short for. A load
            // balancer's header may come in pieces.
            let mayBeHeader = context.role == .server && channel.opening.mayBecomeProxyHeader
            if channel.opening.speaksNoTLS, !mayBeHeader { throw fail(peerSpeaksNoTLS) }
        case .ended:
            throw fail(handshakeEnded)
        }
        return attempt
    }

    /// Nothing else is signed: after the handshake a key has nothing to prove, and we never read
    /// before it.
    private func continueHandshake() -> Int32 {
        let call = SigningCall.make(asking: context.signer, for: self) {
            unsafe SSL_do_handshake(ssl)
        }
        if let refusal = call.refusal { callbackFailure = Self.noSignature(refusal) }
        return call.result
    }

    /// The client's proof from a finished handshake (`HandshakeTranscript.takeProof`), once.
    public func takeProof() -> [UInt8]? {
        defer { transcript = nil }
        return transcript?.takeProof()
    }

    /// `TLSv1.3`.
    public var version: String { unsafe String(cString: SSL_get_version(ssl)) }

    /// `TLS_AES_256_GCM_SHA384`.
    public var cipher: String {
        unsafe String(cString: SSL_CIPHER_get_name(SSL_get_current_cipher(ssl)))
    }

    /// The ALPN protocol that both ends agreed on; nil if there was none.
    public var applicationProtocol: String? {
        var name: UnsafePointer<UInt8>?
        var length: UInt32 = 0
        unsafe SSL_get0_alpn_selected(ssl, &name, &length)
        guard let start = unsafe name else { return nil }
        return unsafe String(
            decoding: UnsafeBufferPointer(start: start, count: Int(length)), as: UTF8.self)
    }

    /// For a client, the name that was verified, of the many that a certificate may have; for a
    /// server, the client's identity.
    public var peerName: String? {
        guard let peerIdentity else { return nil }
        return bounded(serverName?.identity ?? peerIdentity.description)
    }

    // MARK: Attempts

    public func attemptRead(into output: inout OutputSpan<UInt8>) throws(StreamError) -> Attempt {
        if let failure { throw failure }
        ErrorQueue.assertEmpty()
        // OpenSSL would allocate a record's buffer only to find that nothing has arrived. But it
        // reports a clean end as often as it is asked.
        if channel.isDrained, arrived?.isEmpty != false, unsafe SSL_has_pending(ssl) == 0,
            unsafe SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN == 0
        {
            return .blocked(.read)
        }
        let result = unsafe output.withUnsafeMutableBufferPointer { buffer, count in
            let result = unsafe SSL_read(
                ssl, buffer.baseAddress! + count, Int32(buffer.count - count))
            count += max(0, Int(result))
            return result
        }
        return try outcome(of: result, "the read")
    }

    public func attemptWrite(_ bytes: Span<UInt8>) throws(StreamError) -> Attempt {
        if let failure { throw failure }
        ErrorQueue.assertEmpty()
        let result = unsafe bytes.withUnsafeBufferPointer {
            unsafe SSL_write(ssl, $0.baseAddress, Int32($0.count))
        }
        return try outcome(of: result, "the write")
    }

    public func attemptClose() throws(StreamError) -> Attempt {
        if let failure { throw failure }
        guard isEstablished else { return .ended }
        ErrorQueue.assertEmpty()
        let result = unsafe SSL_shutdown(ssl)
        // 0: sent, and the peer's is still to come; the caller waits for it in its own way.
        return result >= 0 ? .moved(0) : try outcome(of: result, "the close")
    }

    /// Asks the peer to use new keys as well (RFC 8446, section 4.6.3); goes out with the next
    /// write. For tests and for sessions that transfer a lot of data.
    public func updateKeys() {
        unsafe SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED)
        _ = ErrorQueue.drain()
    }

    // MARK: Outcomes

    /// The only place that evaluates a call's result; it leaves the error queue empty.
    func outcome(of result: Int32, _ operation: String) throws(StreamError) -> Attempt {
        if result > 0 { return .moved(Int(result)) }
        if isHelloTooLong {
            _ = ErrorQueue.drain()
            throw fail(refuseHello())
        }
        switch unsafe SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ: return .blocked(.read)
        case SSL_ERROR_WANT_WRITE: return .blocked(.write)
        case SSL_ERROR_ZERO_RETURN: return .ended
        case SSL_ERROR_SYSCALL:
            _ = ErrorQueue.drain()
            guard error != 0 else { throw fail(handshakeEnded) }
            throw broken(operation)
        default:
            throw fail(failure(ErrorQueue.drain(), operation))
        }
    }

    /// The channel's call failed with `error`.
    func broken(_ operation: String) -> StreamError {
        if hasLeftWithoutAWord { return fail(Self.leftWithoutAWord) }
        let broken = StreamError.broken(in: operation, errno: error)
        return fail(alertBehindReset ?? broken)
    }

    private func fail(_ error: StreamError) -> StreamError {
        failure = failure ?? error
        transcript = nil
        return error
    }

    /// OpenSSL does not know about it, so this end sends the alert itself.
    private func refuseHello() -> StreamError {
        _ = unsafe HelloGauge.alert.withUnsafeBytes { unsafe send($0) }
        return Self.helloTooLong
    }

    /// A server that rejects our certificate says so and closes; a late write hits the reset before
    /// the reason is read.
    private var alertBehindReset: StreamError? {
        guard isEstablished, context.role == .client else { return nil }
        channel.noteHangUp()
        var byte: UInt8 = 0
        guard unsafe SSL_read(ssl, &byte, 1) <= 0 else { return nil }
        let alert = ErrorQueue.drain().lazy.compactMap { reason in
            reason.alert.map { self.failure(alert: $0, reason.text) }
        }.first
        return alert.flatMap { $0.code.concernsTrust ? $0 : nil }
    }

    // MARK: For OpenSSL

    override func verify(_ store: OpaquePointer) -> Int32 {
        if let verifier = context.verifier {
            // A TLS 1.2 handshake leaves no transcript, and proves nobody's identity.
            let shown =
                unsafe transcript?.clientCertificate
                ?? ClientChain.message(X509_STORE_CTX_get0_untrusted(store))
            guard let refusal = verifier.objection(to: shown, of: self) else { return 1 }
            callbackFailure = refusal.failure
            unsafe X509_STORE_CTX_set_error(store, refusal.code)
            return 0
        }
        var verification = Verification(under: context, serverName: serverName)
        defer { callbackFailure = verification.objection }
        return unsafe verification.verify(store)
    }

    override var keyLog: KeyLog? { context.keyLog }
}
