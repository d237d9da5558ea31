// A private key that this process does not have.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import CProvider

/// Identifies a remote private key, and its signer.
public struct RemoteKey: Sendable {
    /// The key's number at the signer, from 0 on.
    public let number: Int
    let signer: any RemoteSigner

    public init(number: Int, signer: any RemoteSigner) {
        precondition(0...Int(Int32.max) ~= number)
        self.number = number
        self.signer = signer
    }

    /// An OpenSSL key with a certificate's public half, for which `SigningCall` signs.
    ///
    /// - Returns: nil for a type of key that the provider doesn't support, with reasons in the
    ///   queue.
    func pointer(for certificate: Certificate) -> OpaquePointer? {
        var parameters: UnsafeMutablePointer<OSSL_PARAM>?
        var number = Int32(number)
        guard let context = unsafe Self.context,
            let publicHalf = unsafe X509_get0_pubkey(certificate.pointer),
            let kind = unsafe EVP_PKEY_get0_type_name(publicHalf),
            unsafe EVP_PKEY_todata(publicHalf, parley_EVP_PKEY_PUBLIC_KEY, &parameters) == 1
        else { return nil }
        defer { unsafe OSSL_PARAM_free(parameters) }
        guard
            let making = unsafe EVP_PKEY_CTX_new_from_name(
                context, kind, "provider=" + PARLEY_PROVIDER)
        else { return nil }
        defer { unsafe EVP_PKEY_CTX_free(making) }
        var key: OpaquePointer?
        unsafe withUnsafeMutablePointer(to: &number) { number in
            unsafe PARLEY_NUMBER.withCString { name in
                var own = unsafe [
                    OSSL_PARAM_construct_int(name, number), OSSL_PARAM_construct_end(),
                ]
                guard let all = unsafe OSSL_PARAM_merge(parameters, &own) else { return }
                defer { unsafe CRYPTO_free(all, nil, 0) }
                if unsafe EVP_PKEY_fromdata_init(making) == 1 {
                    unsafe EVP_PKEY_fromdata(making, &key, parley_EVP_PKEY_KEYPAIR, all)
                }
            }
        }
        return unsafe key
    }

    /// A separate library context: in the default one, an unqualified fetch of "EC" or "RSA" may find
    /// our provider, and its keys then find themselves.
    nonisolated(unsafe) static let context = unsafe parley_key_context()
}
