// The signed part of a CRL, kept until its signer is known.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// The part of a list that its CA signed, in the CA's own encoding, and the signature.
@safe
final class SignedText: Sendable {
    private let text: SharedPointer<UnsafeMutablePointer<ASN1_TYPE>>
    private let algorithm: SharedPointer<UnsafeMutablePointer<X509_ALGOR>>
    private let signature: SharedPointer<UnsafeMutablePointer<ASN1_STRING>>

    /// Copies it from an `X509_CRL`; nil if memory is short.
    init?(_ list: OpaquePointer) {
        var der: UnsafeMutablePointer<UInt8>?
        let length = unsafe i2d_X509_CRL(list, &der)
        guard length > 0, let encoded = unsafe der else { return nil }
        defer { unsafe CRYPTO_free(encoded, nil, 0) }
        // A sequence of the text, the algorithm and the signature.
        let start = unsafe UnsafePointer(encoded)
        var place: UnsafePointer<UInt8>? = unsafe start
        var (size, tag, kind) = (0, Int32(0), Int32(0))
        unsafe ASN1_get_object(&place, &size, &tag, &kind, Int(length))
        guard let content = unsafe place,
            let text = unsafe d2i_ASN1_TYPE(nil, &place, Int(length) - (content - start))
        else { return nil }
        var signature: UnsafePointer<ASN1_BIT_STRING>?
        var algorithm: UnsafePointer<X509_ALGOR>?
        unsafe X509_CRL_get0_signature(list, &signature, &algorithm)
        guard let signatureCopy = unsafe ASN1_STRING_dup(signature) else {
            unsafe ASN1_TYPE_free(text)
            return nil
        }
        guard let algorithmCopy = unsafe X509_ALGOR_dup(algorithm) else {
            unsafe ASN1_TYPE_free(text)
            unsafe ASN1_STRING_free(signatureCopy)
            return nil
        }
        unsafe self.text = unsafe SharedPointer(text)
        unsafe self.signature = unsafe SharedPointer(signatureCopy)
        unsafe self.algorithm = unsafe SharedPointer(algorithmCopy)
    }

    deinit {
        unsafe ASN1_TYPE_free(text.raw)
        unsafe ASN1_STRING_free(signature.raw)
        unsafe X509_ALGOR_free(algorithm.raw)
    }

    func isSigned(by authority: Certificate) -> Bool {
        let verified = unsafe ASN1_item_verify(
            ASN1_ANY_it(), algorithm.raw, signature.raw, text.raw,
            X509_get0_pubkey(authority.pointer))
        _ = ErrorQueue.drain()
        return verified == 1
    }
}
