// A prepared verification of a signature.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// A verification with a public key, begun but without content (EVP_DigestVerifyInit(3)): OpenSSL's look-ups
/// before it cost a handshake more than the hash of its messages. Can be copied by one thread at a time, or used once.
@safe
final class Verifying: Sendable {
    let scheme: SignatureScheme
    private let shared: SharedPointer<OpaquePointer>

    /// - Returns: nil if OpenSSL can't.
    init?(_ scheme: SignatureScheme, by key: OpaquePointer) {
        defer { _ = ErrorQueue.drain() }
        guard let context = unsafe EVP_MD_CTX_new() else { return nil }
        self.scheme = scheme
        unsafe shared = unsafe SharedPointer(context)
        guard unsafe scheme.beginVerifying(in: context, by: key) else { return nil }
    }

    /// - Returns: nil if OpenSSL can't.
    init?(copying other: Verifying) {
        defer { _ = ErrorQueue.drain() }
        guard let context = unsafe EVP_MD_CTX_new() else { return nil }
        scheme = other.scheme
        unsafe shared = unsafe SharedPointer(context)
        guard unsafe EVP_MD_CTX_copy_ex(context, other.shared.raw) == 1 else { return nil }
    }

    deinit { unsafe EVP_MD_CTX_free(shared.raw) }

    /// Whether the key has signed the content. Call once.
    func accepts(_ signature: ArraySlice<UInt8>, of content: [UInt8]) -> Bool {
        defer { _ = ErrorQueue.drain() }
        return unsafe signature.withUnsafeBufferPointer {
            unsafe EVP_DigestVerify(
                shared.raw, $0.baseAddress, $0.count, content, content.count) == 1
        }
    }
}
