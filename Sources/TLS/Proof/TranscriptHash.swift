// The hash of a handshake's messages so far.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// A transcript hash (RFC 8446, section 4.4.1). Used by one thread at a time.
@safe
final class TranscriptHash {
    enum Algorithm: Sendable {
        case sha256, sha384

        /// The hash of a TLS 1.3 cipher suite that OpenSSL supports by default (section B.4).
        init?(suite: Int) {
            switch suite {
            case 0x1301, 0x1303, 0x1304, 0x1305: self = .sha256
            case 0x1302: self = .sha384
            default: return nil
            }
        }

        /// In bytes.
        var size: Int { self == .sha256 ? 32 : 48 }

        fileprivate var openSSL: OpaquePointer? {
            unsafe self == .sha256 ? Self.fetchedSHA256 : Self.fetchedSHA384
        }

        // `EVP_sha256()` makes OpenSSL look it up in its providers each time.
        nonisolated(unsafe) private static let fetchedSHA256 =
            unsafe EVP_MD_fetch(nil, "SHA256", nil)
        nonisolated(unsafe) private static let fetchedSHA384 =
            unsafe EVP_MD_fetch(nil, "SHA384", nil)
    }

    let algorithm: Algorithm
    private let context: OpaquePointer

    init(_ algorithm: Algorithm) throws(ProofRefusal) {
        defer { _ = ErrorQueue.drain() }
        guard let context = unsafe EVP_MD_CTX_new() else { throw .unavailable }
        self.algorithm = algorithm
        unsafe self.context = unsafe context
        guard unsafe EVP_DigestInit_ex(context, algorithm.openSSL, nil) == 1 else {
            throw .unavailable
        }
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    func append(_ bytes: ArraySlice<UInt8>) throws(ProofRefusal) {
        let isDone = unsafe bytes.withUnsafeBufferPointer {
            unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count) == 1
        }
        guard isDone else {
            _ = ErrorQueue.drain()
            throw .unavailable
        }
    }

    /// The hash of what was appended so far; more can be appended after it.
    func value() throws(ProofRefusal) -> [UInt8] {
        defer { _ = ErrorQueue.drain() }
        guard let copy = unsafe EVP_MD_CTX_new() else { throw .unavailable }
        defer { unsafe EVP_MD_CTX_free(copy) }
        var value = [UInt8](repeating: 0, count: algorithm.size)
        guard unsafe EVP_MD_CTX_copy_ex(copy, context) == 1,
            unsafe EVP_DigestFinal_ex(copy, &value, nil) == 1
        else { throw .unavailable }
        return value
    }

    /// The hash of one message alone.
    static func of(
        _ message: ArraySlice<UInt8>, _ algorithm: Algorithm
    ) throws(ProofRefusal) -> [UInt8] {
        defer { _ = ErrorQueue.drain() }
        var value = [UInt8](repeating: 0, count: algorithm.size)
        let isDone = unsafe message.withUnsafeBytes {
            unsafe EVP_Digest($0.baseAddress, $0.count, &value, nil, algorithm.openSSL, nil) == 1
        }
        guard isDone else { throw .unavailable }
        return value
    }

    /// What an end signs for the messages so far (section 4.4.3).
    func content(signedBy end: SigningEnd) throws(ProofRefusal) -> [UInt8] {
        end.beginning + (try value())
    }

    struct SigningEnd {
        static let server = SigningEnd("TLS 1.3, server CertificateVerify")
        static let client = SigningEnd("TLS 1.3, client CertificateVerify")

        /// Of what it signs.
        fileprivate let beginning: [UInt8]

        private init(_ context: String) {
            beginning = [UInt8](repeating: 0x20, count: 64) + Array(context.utf8) + [0]
        }
    }
}
