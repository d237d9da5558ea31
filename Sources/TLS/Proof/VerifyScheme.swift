// The signatures of a CertificateVerify, and the keys that they are of.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// A scheme that TLS 1.3 allows in a CertificateVerify (RFC 8446, section 4.2.3, RFC 8734, and the TLS
/// registry). PKCS #1 and SHA-1 are not among them: there they are for certificates only.
public enum VerifyScheme: UInt16, Sendable, CaseIterable {
    case ecdsaP256 = 0x0403
    case ecdsaP384 = 0x0503
    case ecdsaP521 = 0x0603
    case rsaSHA256 = 0x0804
    case rsaSHA384 = 0x0805
    case rsaSHA512 = 0x0806
    case ed25519 = 0x0807
    case ed448 = 0x0808
    case rsaPSSSHA256 = 0x0809
    case rsaPSSSHA384 = 0x080a
    case rsaPSSSHA512 = 0x080b
    case brainpoolP256 = 0x081a
    case brainpoolP384 = 0x081b
    case brainpoolP512 = 0x081c
    case mldsa44 = 0x0904
    case mldsa65 = 0x0905
    case mldsa87 = 0x0906

    /// What it demands of a key, and how it signs; the names are OpenSSL's.
    private struct Terms {
        let key: String
        var curve: String?
        /// Nil where the scheme hashes by itself.
        var digest: String?
        var isPSS = false
    }

    private var terms: Terms {
        switch self {
        case .ecdsaP256: Terms(key: "EC", curve: "prime256v1", digest: "SHA256")
        case .ecdsaP384: Terms(key: "EC", curve: "secp384r1", digest: "SHA384")
        case .ecdsaP521: Terms(key: "EC", curve: "secp521r1", digest: "SHA512")
        case .brainpoolP256: Terms(key: "EC", curve: "brainpoolP256r1", digest: "SHA256")
        case .brainpoolP384: Terms(key: "EC", curve: "brainpoolP384r1", digest: "SHA384")
        case .brainpoolP512: Terms(key: "EC", curve: "brainpoolP512r1", digest: "SHA512")
        case .rsaSHA256: Terms(key: "RSA", digest: "SHA256", isPSS: true)
        case .rsaSHA384: Terms(key: "RSA", digest: "SHA384", isPSS: true)
        case .rsaSHA512: Terms(key: "RSA", digest: "SHA512", isPSS: true)
        case .rsaPSSSHA256: Terms(key: "RSA-PSS", digest: "SHA256", isPSS: true)
        case .rsaPSSSHA384: Terms(key: "RSA-PSS", digest: "SHA384", isPSS: true)
        case .rsaPSSSHA512: Terms(key: "RSA-PSS", digest: "SHA512", isPSS: true)
        case .ed25519: Terms(key: "ED25519")
        case .ed448: Terms(key: "ED448")
        case .mldsa44: Terms(key: "ML-DSA-44")
        case .mldsa65: Terms(key: "ML-DSA-65")
        case .mldsa87: Terms(key: "ML-DSA-87")
        }
    }

    /// Whether the certificate's key is of this scheme's type, and on its curve.
    func fits(_ certificate: Certificate) -> Bool {
        defer { _ = ErrorQueue.drain() }
        guard let key = unsafe X509_get0_pubkey(certificate.pointer) else { return false }
        let terms = terms
        guard unsafe EVP_PKEY_is_a(key, terms.key) == 1 else { return false }
        guard let curve = terms.curve else { return true }
        var name = [CChar](repeating: 0, count: 80)
        // A curve by its parameters has no name.
        guard unsafe EVP_PKEY_get_group_name(key, &name, name.count, nil) == 1 else { return false }
        return name.prefix { $0 != 0 }.elementsEqual(curve.utf8.map { CChar(bitPattern: $0) })
    }

    /// Whether the key of `certificate`, which fits, has signed `content`.
    func isSignature(
        _ signature: ArraySlice<UInt8>, of content: [UInt8], by certificate: Certificate
    ) -> Bool {
        defer { _ = ErrorQueue.drain() }
        guard let key = unsafe X509_get0_pubkey(certificate.pointer),
            let context = unsafe EVP_MD_CTX_new()
        else { return false }
        defer { unsafe EVP_MD_CTX_free(context) }
        let terms = terms
        var parameters: OpaquePointer?
        guard
            unsafe EVP_DigestVerifyInit_ex(context, &parameters, terms.digest, nil, nil, key, nil)
                == 1
        else { return false }
        // The salt is as long as the hash (section 4.2.3); OpenSSL would take any.
        if terms.isPSS {
            guard
                unsafe EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1,
                unsafe EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1
            else { return false }
        }
        let bytes = Array(signature)
        return unsafe EVP_DigestVerify(context, bytes, bytes.count, content, content.count) == 1
    }
}
