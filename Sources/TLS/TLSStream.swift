// A stream encrypted by OpenSSL.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Glibc
public import Sockets

/// TLS over a channel. The handshake is a step of its own; until it is done nothing can be read or
/// written. Confined to the channel's loop.
@safe
public final class TLSStream: ByteStream, @unchecked Sendable {
    public let channel: Channel
    public var readAhead: [UInt8]?
    /// Who the peer has proved to be; nil before the handshake and for a peer without a
    /// certificate.
    public private(set) var peerIdentity: PeerIdentity?

    let context: TLSContext
    let serverName: ServerName?
    /// Kept by the verification for the handshake's error.
    var verificationFailure: StreamError?
    private let ssl: OpaquePointer
    /// Whether the handshake is done.
    public private(set) var isEstablished = false
    /// After a fatal error no more must be said, close_notify included (RFC 8446, section 6).
    private var hasFailed = false
    private var transportEnded = false
    private var transportError: Int32 = 0

    /// The server's side.
    public convenience init(
        server context: TLSContext, over channel: Channel
    ) throws(StreamError) {
        precondition(context.role == .server)
        try self.init(context, channel, serverName: nil)
    }

    /// The client's side; the server has to prove `serverName`.
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
        self.channel = channel
        self.serverName = serverName
        let itself = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe BIO_set_data(bio, itself)
        unsafe BIO_set_init(bio, 1)
        unsafe SSL_set_bio(ssl, bio, bio)
        unsafe SSL_set_ex_data(ssl, 0, itself)
        guard let serverName else {
            unsafe SSL_set_accept_state(ssl)
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
        }
        // Without a name to check, any certificate of the CA's would do.
        guard accepted == 1 else { throw Self.outOfMemory() }
    }

    deinit {
        unsafe SSL_free(ssl)
    }

    /// The stream behind a connection, in OpenSSL's callbacks.
    static func of(_ ssl: OpaquePointer) -> TLSStream? {
        unsafe SSL_get_ex_data(ssl, 0).map { unsafe Unmanaged.fromOpaque($0).takeUnretainedValue() }
    }

    // MARK: The handshake

    /// Does the handshake under its deadline, then begins the idle phase.
    ///
    /// - Throws: `StreamError`; a fatal alert is on its way to the peer then, and `close()` lets
    ///   it arrive.
    public func handshake() async throws(StreamError) {
        channel.enter(.handshake)
        while case .blocked(let direction) = try attemptHandshake() {
            try await channel.wait(for: direction)
        }
        // Nothing answers a client's last flight, since there are no tickets: its first message
        // would wait for our delayed acknowledgement, 40 ms (Nagle's algorithm at its end).
        if context.role == .server { channel.acknowledge() }
        channel.enter(.idle)
    }

    /// Goes on with the handshake; `.moved` when it is done.
    public func attemptHandshake() throws(StreamError) -> Attempt {
        ErrorQueue.assertEmpty()
        let attempt = try outcome(of: unsafe SSL_do_handshake(ssl), "the TLS handshake")
        switch attempt {
        case .moved:
            isEstablished = true
            if let certificate = unsafe SSL_get1_peer_certificate(ssl) {
                peerIdentity = unsafe PeerIdentity(Certificate(owning: certificate))
            }
        case .blocked:
            // OpenSSL waits for a whole record header, which "quit" is too short for.
            if speaksNoTLS { throw fail(peerSpeaksNoTLS) }
        case .ended:
            throw fail(handshakeEnded)
        }
        return attempt
    }

    /// `TLSv1.3`.
    public var version: String { unsafe String(cString: SSL_get_version(ssl)) }

    /// `TLS_AES_256_GCM_SHA384`.
    public var cipher: String {
        unsafe String(cString: SSL_CIPHER_get_name(SSL_get_current_cipher(ssl)))
    }

    /// The ALPN protocol that both ends agreed on; nil where there was none.
    public var applicationProtocol: String? {
        var name: UnsafePointer<UInt8>?
        var length: UInt32 = 0
        unsafe SSL_get0_alpn_selected(ssl, &name, &length)
        guard let start = unsafe name else { return nil }
        return unsafe String(
            decoding: UnsafeBufferPointer(start: start, count: Int(length)), as: UTF8.self)
    }

    public var peerName: String? { peerIdentity?.description }

    // MARK: Attempts

    public func attemptRead(into output: inout OutputSpan<UInt8>) throws(StreamError) -> Attempt {
        ErrorQueue.assertEmpty()
        let result = unsafe output.withUnsafeMutableBufferPointer { buffer, count in
            let result = unsafe SSL_read(
                ssl, buffer.baseAddress! + count, Int32(buffer.count - count))
            count += max(0, Int(result))
            return result
        }
        return try outcome(of: result, "the read")
    }

    public func attemptWrite(_ bytes: Span<UInt8>) throws(StreamError) -> Attempt {
        ErrorQueue.assertEmpty()
        let result = unsafe bytes.withUnsafeBufferPointer {
            unsafe SSL_write(ssl, $0.baseAddress, Int32($0.count))
        }
        do throws(StreamError) {
            return try outcome(of: result, "the write")
        } catch {
            throw error.code == .reset ? alertBehindReset ?? error : error
        }
    }

    public func attemptClose() throws(StreamError) -> Attempt {
        guard isEstablished, !hasFailed else { return .ended }
        ErrorQueue.assertEmpty()
        let result = unsafe SSL_shutdown(ssl)
        // 0: sent, and the peer's is yet to come, which the caller awaits in its own way.
        return result >= 0 ? .moved(0) : try outcome(of: result, "the end")
    }

    /// Asks the peer to use new keys as well (RFC 8446, section 4.6.3); goes out with the next
    /// write. For tests and for sessions that move very much.
    public func updateKeys() {
        unsafe SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED)
        _ = ErrorQueue.drain()
    }

    /// A server that rejects our certificate says so and closes; a write that comes too late meets
    /// the reset before the reason is read.
    private var alertBehindReset: StreamError? {
        channel.becameReady(ended: true)
        var byte: UInt8 = 0
        let result = unsafe SSL_read(ssl, &byte, 1)
        do throws(StreamError) {
            _ = try outcome(of: result, "the read")
            return nil
        } catch {
            return error.code.concernsTrust ? error : nil
        }
    }

    // MARK: Outcomes

    /// The one place that asks what a call came to; it leaves the error queue empty.
    private func outcome(of result: Int32, _ operation: String) throws(StreamError) -> Attempt {
        if result > 0 { return .moved(Int(result)) }
        switch unsafe SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ: return .blocked(.read)
        case SSL_ERROR_WANT_WRITE: return .blocked(.write)
        case SSL_ERROR_ZERO_RETURN: return .ended
        case SSL_ERROR_SYSCALL:
            _ = ErrorQueue.drain()
            throw fail(
                transportError == 0
                    ? handshakeEnded
                    : StreamError("the connection broke in \(operation)", errno: transportError))
        case SSL_ERROR_SSL:
            throw fail(failure(ErrorQueue.drain(), operation))
        default:
            throw fail(failure(ErrorQueue.drain(), operation))
        }
    }

    private func fail(_ error: StreamError) -> StreamError {
        hasFailed = true
        return error
    }

    private func failure(_ reasons: [OpenSSLReason], _ operation: String) -> StreamError {
        if let verificationFailure { return verificationFailure }
        if !isEstablished && speaksNoTLS { return peerSpeaksNoTLS }
        for reason in reasons {
            if let alert = reason.alert { return failure(alert: alert, reason.text) }
            guard reason.library == ERR_LIB_SSL else { continue }
            switch reason.reason {
            case SSL_R_UNEXPECTED_EOF_WHILE_READING:
                return isEstablished
                    ? StreamError(
                        .truncated,
                        "the connection was cut short: the \(peer) ended it without close_notify, so something may be missing"
                    )
                    : handshakeEnded
            case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
                return StreamError(
                    .clientCertificateRequired,
                    "the client sent no certificate, and one of a CA in \(context.trust?.origin ?? "the trust store") is required"
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
        let reason = reasons.last?.text ?? "OpenSSL gives no reason"
        return StreamError(.tlsFailed, "TLS failed in \(operation) with the \(peer): \(reason)")
    }

    /// What an alert of the peer's means (RFC 8446, section 6.2).
    private func failure(alert: Int32, _ text: String) -> StreamError {
        switch alert {
        case 116:
            return StreamError(
                .clientCertificateRequired,
                "the server requires a client certificate; give one with --cert and --key, or with --certs"
            )
        case 42...46, 48, 49, 51:
            let why = Self.alertReasons[alert] ?? text
            return StreamError(
                .certificateRejected,
                context.role == .client
                    ? "the server rejected our certificate: \(why); give one that it trusts with --cert and --key"
                    : "the client rejected our certificate: \(why); it must trust this server's CA and find its name in the certificate"
            )
        case 70: return noCommonVersion
        case 40, 71: return noCommonCipher
        default:
            return StreamError(.tlsFailed, "the \(peer) ended TLS with the alert: \(text)")
        }
    }

    private static let alertReasons: [Int32: String] = [
        42: "it is bad", 43: "its kind is not supported", 44: "it was revoked",
        45: "it has expired",
        46: "it was not accepted for a reason that was not given", 48: "its CA is unknown there",
        49: "access was denied", 51: "its signature could not be verified",
    ]

    private var noCommonVersion: StreamError {
        StreamError(
            .noCommonVersion,
            "the \(peer) and this end have no TLS version in common; bring the \(peer) to TLS 1.3, or allow TLS 1.2 with --tls-min 1.2"
        )
    }

    private var noCommonCipher: StreamError {
        StreamError(
            .noCommonCipher,
            "the \(peer) and this end have no cipher suite or group in common"
                + (context.role == .client
                    ? ", or in TLS 1.2 the server requires a client certificate; update the older end or give --cert and --key"
                    : "; the client's TLS is too old or too restricted"))
    }

    private var handshakeEnded: StreamError {
        StreamError(
            .handshakeEnded,
            "the \(peer) ended the connection during the TLS handshake; it may speak no TLS (--plaintext), or refuse sessions for now"
        )
    }

    private var peerSpeaksNoTLS: StreamError {
        StreamError(
            .peerSpeaksNoTLS,
            "the \(peer) speaks plaintext, not TLS; encrypt there, or give --plaintext at this end if nothing secret is said"
        )
    }

    /// Whether what came first is neither a handshake nor an alert record.
    private var speaksNoTLS: Bool {
        guard let first = channel.opening.0 else { return false }
        return first != 0x16 && first != 0x15
    }

    private var peer: String { context.role == .client ? "server" : "client" }

    var peerCertificate: String { "the \(peer)'s certificate" }

    private static func outOfMemory() -> StreamError {
        let reason = ErrorQueue.drain().last?.text ?? "out of memory"
        return StreamError(.tlsFailed, "no TLS connection can be set up: \(reason)")
    }

    // MARK: The channel, as OpenSSL sees it

    fileprivate func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = unsafe channel.receive(into: buffer)
        if count == 0 { transportEnded = true }
        if count < 0 { transportError = Int32(-count) }
        return count
    }

    fileprivate func send(_ bytes: UnsafeRawBufferPointer) -> Int {
        let count = unsafe channel.send(bytes)
        if count < 0 { transportError = Int32(-count) }
        return count
    }

    fileprivate var isAtEnd: Bool { transportEnded }
}

/// OpenSSL's way to a channel: one receive a record, and none after one that came back short.
private enum ChannelBIO {
    nonisolated(unsafe) static let method: OpaquePointer = {
        let type = BIO_get_new_index() | BIO_TYPE_SOURCE_SINK
        let method = unsafe BIO_meth_new(type, "channel")!
        unsafe BIO_meth_set_read(method) { bio, buffer, count in
            unsafe parley_BIO_clear_retry_flags(bio)
            let room = unsafe UnsafeMutableRawBufferPointer(start: buffer, count: Int(count))
            let result = unsafe stream(bio).receive(into: room)
            if result == Channel.wouldBlock { unsafe parley_BIO_set_retry_read(bio) }
            return Int32(max(result, -1))
        }
        unsafe BIO_meth_set_write(method) { bio, bytes, count in
            unsafe parley_BIO_clear_retry_flags(bio)
            let result = unsafe stream(bio).send(
                UnsafeRawBufferPointer(start: bytes, count: Int(count)))
            if result == Channel.wouldBlock { unsafe parley_BIO_set_retry_write(bio) }
            return Int32(max(result, -1))
        }
        unsafe BIO_meth_set_ctrl(method) { bio, command, _, _ in
            switch command {
            case BIO_CTRL_FLUSH, BIO_CTRL_DUP: 1
            case BIO_CTRL_EOF: unsafe stream(bio).isAtEnd ? 1 : 0
            default: 0
            }
        }
        return unsafe method
    }()

    private static func stream(_ bio: OpaquePointer?) -> TLSStream {
        unsafe Unmanaged.fromOpaque(BIO_get_data(bio)!).takeUnretainedValue()
    }
}
