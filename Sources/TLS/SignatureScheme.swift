// How a handshake's signatures are made, and with which keys.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// What TLS calls an algorithm with its hash: the SignatureScheme of RFC 8446, section 4.2.3, with
/// the numbers from there, RFC 8734 and the TLS registry. SHA-1 and SHA-224 are not among them.
public enum SignatureScheme: UInt16, Sendable, CaseIterable {
    // In handshakes only with TLS 1.2; in 1.3 only in certificates.
    case rsaPKCS1SHA256 = 0x0401
    case rsaPKCS1SHA384 = 0x0501
    case rsaPKCS1SHA512 = 0x0601

    // In TLS 1.2 such a number stands for its hash alone, whatever the key's curve.
    case ecdsaP256SHA256 = 0x0403
    case ecdsaP384SHA384 = 0x0503
    case ecdsaP521SHA512 = 0x0603
    case ecdsaBrainpoolP256SHA256 = 0x081a
    case ecdsaBrainpoolP384SHA384 = 0x081b
    case ecdsaBrainpoolP512SHA512 = 0x081c

    /// With a salt as long as the hash, like all PSS schemes: for RSA keys that are not limited to
    /// PSS.
    case rsaPSSSHA256 = 0x0804
    case rsaPSSSHA384 = 0x0805
    case rsaPSSSHA512 = 0x0806

    /// For keys that are limited to PSS.
    case pssSHA256 = 0x0809
    case pssSHA384 = 0x080a
    case pssSHA512 = 0x080b

    case ed25519 = 0x0807
    case ed448 = 0x0808
    case mldsa44 = 0x0904
    case mldsa65 = 0x0905
    case mldsa87 = 0x0906

    /// What it requires of a key, and how it signs, with OpenSSL's names.
    private struct Terms {
        let key: String
        var curve: String?
        /// Nil if the scheme hashes by itself.
        var digest: String?
        var isPSS = false
    }

    private var terms: Terms {
        switch self {
        case .rsaPKCS1SHA256: Terms(key: "RSA", digest: "SHA256")
        case .rsaPKCS1SHA384: Terms(key: "RSA", digest: "SHA384")
        case .rsaPKCS1SHA512: Terms(key: "RSA", digest: "SHA512")
        case .ecdsaP256SHA256: Terms(key: "EC", curve: "prime256v1", digest: "SHA256")
        case .ecdsaP384SHA384: Terms(key: "EC", curve: "secp384r1", digest: "SHA384")
        case .ecdsaP521SHA512: Terms(key: "EC", curve: "secp521r1", digest: "SHA512")
        case .ecdsaBrainpoolP256SHA256: Terms(key: "EC", curve: "brainpoolP256r1", digest: "SHA256")
        case .ecdsaBrainpoolP384SHA384: Terms(key: "EC", curve: "brainpoolP384r1", digest: "SHA384")
        case .ecdsaBrainpoolP512SHA512: Terms(key: "EC", curve: "brainpoolP512r1", digest: "SHA512")
        case .rsaPSSSHA256: Terms(key: "RSA", digest: "SHA256", isPSS: true)
        case .rsaPSSSHA384: Terms(key: "RSA", digest: "SHA384", isPSS: true)
        case .rsaPSSSHA512: Terms(key: "RSA", digest: "SHA512", isPSS: true)
        case .pssSHA256: Terms(key: "RSA-PSS", digest: "SHA256", isPSS: true)
        case .pssSHA384: Terms(key: "RSA-PSS", digest: "SHA384", isPSS: true)
        case .pssSHA512: Terms(key: "RSA-PSS", digest: "SHA512", isPSS: true)
        case .ed25519: Terms(key: "ED25519")
        case .ed448: Terms(key: "ED448")
        case .mldsa44: Terms(key: "ML-DSA-44")
        case .mldsa65: Terms(key: "ML-DSA-65")
        case .mldsa87: Terms(key: "ML-DSA-87")
        }
    }

    /// Whether TLS 1.3 handshakes may use it.
    private var isOfTLS13: Bool {
        switch self {
        case .rsaPKCS1SHA256, .rsaPKCS1SHA384, .rsaPKCS1SHA512: false
        default: true
        }
    }

    /// Whether a TLS 1.3 CertificateVerify with the key may use it: the key has the right type and curve.
    func fits(_ key: OpaquePointer) -> Bool {
        defer { _ = ErrorQueue.drain() }
        let terms = terms
        guard isOfTLS13, unsafe EVP_PKEY_is_a(key, terms.key) == 1 else { return false }
        return unsafe terms.curve == nil || Curve.name(of: key) == terms.curve
    }

    /// Begins a verification with a public key.
    ///
    /// - Returns: false if OpenSSL can't.
    func beginVerifying(in context: OpaquePointer, by key: OpaquePointer) -> Bool {
        var parameters: OpaquePointer?
        return unsafe EVP_DigestVerifyInit_ex(
            context, &parameters, terms.digest, nil, nil, key, nil) == 1 && pad(parameters)
    }

    /// Begins a signature with a local private key.
    ///
    /// - Returns: false for a key of another type, and if OpenSSL can't.
    func begin(in context: OpaquePointer, by key: OpaquePointer) -> Bool {
        var parameters: OpaquePointer?
        // An RSA key would sign for ECDSA as well, in its own way.
        return unsafe EVP_PKEY_is_a(key, terms.key) == 1
            && EVP_DigestSignInit_ex(context, &parameters, terms.digest, nil, nil, key, nil) == 1
            && pad(parameters)
    }

    /// The salt must be as long as the hash (section 4.2.3); when verifying, OpenSSL would accept
    /// any.
    private func pad(_ parameters: OpaquePointer?) -> Bool {
        guard terms.isPSS else { return true }
        return unsafe EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1
            && EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1
    }
}
