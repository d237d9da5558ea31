// OpenSSL's error queue of the calling thread.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// One entry of the queue.
struct OpenSSLReason {
    let library: Int32
    let reason: Int32
    let text: String

    /// The alert that the peer sent, if the entry is about one (RFC 8446, section 6).
    var alert: Int32? {
        library == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET
            && reason < SSL_AD_REASON_OFFSET + 256
            ? reason - SSL_AD_REASON_OFFSET : nil
    }

    var isOutOfMemory: Bool { reason == parley_ERR_R_MALLOC_FAILURE() }
}

enum ErrorQueue {
    /// Takes all entries, oldest first, so that the queue is empty before the next call.
    static func drain() -> [OpenSSLReason] {
        var reasons: [OpenSSLReason] = []
        while true {
            let code = ERR_get_error()
            guard code != 0 else { return reasons }
            let text = unsafe ERR_reason_error_string(code).map { unsafe String(cString: $0) }
            reasons.append(
                OpenSSLReason(
                    library: parley_ERR_GET_LIB(code), reason: parley_ERR_GET_REASON(code),
                    text: text ?? "error \(code)"))
        }
    }

    /// In debug builds: checks that nothing was left behind.
    static func assertEmpty() {
        assert(ERR_peek_error() == 0, "OpenSSL's error queue was not drained")
    }
}

/// OpenSSL's version at run time, as `OpenSSL 3.0.19 27 Jan 2026`.
public var openSSLVersion: String {
    unsafe String(cString: OpenSSL_version(OPENSSL_VERSION))
}
