// Handshakes of two ends in memory: what the library does under the system's configuration.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// Finds out what OpenSSL has no call for. Takes about a millisecond.
enum Rehearsal {
    /// Performs a handshake.
    ///
    /// - Parameters: contexts of any role, which may be identical.
    ///   - untilServerIsKnown: whether it is over once the client is done, without proof to the server.
    /// - Returns: nil if both ends are done, else why not.
    static func failure(
        client: OpaquePointer, server: OpaquePointer, untilServerIsKnown: Bool = false
    ) -> [OpenSSLReason]? {
        ErrorQueue.assertEmpty()
        guard let asking = unsafe SSL_new(client) else { return ErrorQueue.drain() }
        defer { unsafe SSL_free(asking) }
        guard let answering = unsafe SSL_new(server) else { return ErrorQueue.drain() }
        defer { unsafe SSL_free(answering) }
        guard unsafe SSL_set_ssl_method(asking, TLS_client_method()) == 1,
            unsafe SSL_set_ssl_method(answering, TLS_server_method()) == 1
        else { return ErrorQueue.drain() }
        var ends: (OpaquePointer?, OpaquePointer?) = (nil, nil)
        guard unsafe BIO_new_bio_pair(&ends.0, 0, &ends.1, 0) == 1 else {
            return ErrorQueue.drain()
        }
        unsafe SSL_set_bio(asking, ends.0, ends.0)
        unsafe SSL_set_bio(answering, ends.1, ends.1)
        unsafe SSL_set_connect_state(asking)
        unsafe SSL_set_accept_state(answering)
        // Each pass moves at least as much as the pair's buffers hold.
        for _ in 0..<passes {
            let one = unsafe step(asking)
            if untilServerIsKnown, case .done = one { return nil }
            let other = unsafe step(answering)
            if case .failed(let reasons) = one { return reasons }
            if case .failed(let reasons) = other { return reasons }
            if case (.done, .done) = (one, other) { return nil }
        }
        return []
    }

    private enum Step {
        case done, waiting
        case failed([OpenSSLReason])
    }

    private static func step(_ end: OpaquePointer) -> Step {
        let result = unsafe SSL_do_handshake(end)
        guard result != 1 else { return .done }
        let error = unsafe SSL_get_error(end, result)
        let reasons = ErrorQueue.drain()
        let isWaiting = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE
        return isWaiting ? .waiting : .failed(reasons)
    }

    /// The signature schemes that a client offers (RFC 8446, section 4.2.3), preferred ones first;
    /// empty if no client can be created.
    ///
    /// - Parameter context: as created by the library, of any role: creating others takes a millisecond each. Its
    ///   versions are changed.
    static func offeredSignatures(under context: OpaquePointer) -> [UInt16] {
        // Only servers request what is useless in TLS 1.3. A client with a newer minimum would not
        // offer it here.
        unsafe parley_SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION)
        unsafe parley_SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION)
        var schemes: [UInt16] = []
        unsafe withUnsafeMutablePointer(to: &schemes) { schemes in
            unsafe SSL_CTX_set_client_hello_cb(
                context,
                { ssl, _, schemes in
                    var value: UnsafePointer<UInt8>?
                    var count = 0
                    guard
                        unsafe SSL_client_hello_get0_ext(
                            ssl, UInt32(TLSEXT_TYPE_signature_algorithms), &value, &count) == 1
                    else { return SSL_CLIENT_HELLO_ERROR }
                    // A vector: its length in two bytes, then two bytes per scheme.
                    let bytes = unsafe UnsafeBufferPointer(start: value, count: count)
                    unsafe schemes!.assumingMemoryBound(to: [UInt16].self).pointee =
                        stride(from: 2, to: count - 1, by: 2).map {
                            unsafe UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1])
                        }
                    // Only the hello was needed.
                    return SSL_CLIENT_HELLO_ERROR
                }, schemes)
            _ = unsafe failure(client: context, server: context)
            unsafe SSL_CTX_set_client_hello_cb(context, nil, nil)
        }
        return schemes
    }

    /// A handshake takes three, and a chain of a megabyte some sixty more.
    private static let passes = 1_000
}
