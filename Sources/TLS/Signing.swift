// A prepared signature.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// A signature with a local private key, begun but without content (EVP_DigestSignInit(3)). Can be copied by one
/// thread at a time, or used once.
@safe
final class Signing: Sendable {
    private let shared: SharedPointer<OpaquePointer>

    /// - Returns: nil for a key that doesn't fit the scheme, and if OpenSSL can't.
    init?(_ scheme: SignatureScheme, by key: OpaquePointer) {
        guard let context = unsafe EVP_MD_CTX_new() else { return nil }
        unsafe shared = unsafe SharedPointer(context)
        guard unsafe scheme.begin(in: context, by: key) else { return nil }
    }

    /// - Returns: nil if memory is short.
    init?(copying other: Signing) {
        guard let context = unsafe EVP_MD_CTX_new() else { return nil }
        unsafe shared = unsafe SharedPointer(context)
        guard unsafe EVP_MD_CTX_copy_ex(context, other.shared.raw) == 1 else { return nil }
    }

    deinit { unsafe EVP_MD_CTX_free(shared.raw) }

    /// - Parameter room: the maximum length of the key's signatures, in bytes.
    /// - Returns: nil if OpenSSL can't.
    func sign(_ content: [UInt8], room: Int) -> [UInt8]? {
        var count = room
        var signature = [UInt8](repeating: 0, count: room)
        guard
            unsafe EVP_DigestSign(shared.raw, &signature, &count, content, content.count) == 1
        else { return nil }
        return Array(signature.prefix(count))
    }
}
