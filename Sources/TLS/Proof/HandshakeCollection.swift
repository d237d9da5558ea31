// Prepares a context for handshakes that are proved to a broker.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// Makes a server's streams pass their messages to their `HandshakeTranscript`, and send its nonce.
enum HandshakeCollection {
    /// - Throws: `refused`.
    static func install(in context: OpaquePointer) throws(CredentialError) {
        unsafe SSL_CTX_set_msg_callback(context) { isSent, _, type, start, count, ssl, _ in
            guard type == SSL3_RT_HANDSHAKE, let ssl = unsafe ssl,
                let transcript = unsafe TLSTransport.of(ssl)?.transcript
            else { return }
            let message = unsafe UnsafeBufferPointer(
                start: start?.assumingMemoryBound(to: UInt8.self), count: count)
            unsafe transcript.note(message.span, isSent: isSent == 1)
        }
        // OpenSSL rejects longer ones with an alert.
        unsafe parley_SSL_CTX_set_max_cert_list(context, HandshakeKind.certificate.longest)
        // A server may send it unsolicited only in this message (RFC 8446, section 4.2).
        guard
            unsafe SSL_CTX_add_custom_ext(
                context, UInt32(HandshakeNonce.extensionType),
                UInt32(SSL_EXT_TLS1_3_CERTIFICATE_REQUEST),
                { ssl, _, _, start, count, _, _, _, _ in
                    guard let ssl = unsafe ssl, let start = unsafe start, let count = unsafe count,
                        let nonce = unsafe TLSTransport.of(ssl)?.transcript?.nonce
                    else { return 0 }
                    // Kept until OpenSSL has written it.
                    let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: nonce.count)
                    _ = unsafe copy.initialize(from: nonce)
                    unsafe start.pointee = unsafe UnsafePointer(copy.baseAddress)
                    unsafe count.pointee = copy.count
                    return 1
                }, { _, _, _, start, _ in unsafe start?.deallocate() }, nil, nil, nil) == 1
        else { throw CredentialError.refused("the handshake's nonce") }
    }
}
