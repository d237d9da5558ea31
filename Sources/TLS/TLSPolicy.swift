// What all contexts have in common: versions, groups, signatures and options.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Synchronization
internal import System

/// Overrides openssl.cnf, except for the signature algorithms, which openssl.cnf may restrict.
enum TLSPolicy {
    /// - Parameter context: as created by the library.
    /// - Throws: `refused`, if the library or the system's configuration forbids it.
    static func apply(to context: OpaquePointer, minimum: TLSVersion) throws(CredentialError) {
        let offered = minimum == .tls12 ? [] : unsafe offered(under: context)
        // The system may require more, but never less.
        unsafe SSL_CTX_set_security_level(
            context, max(leastSecurityLevel, SSL_CTX_get_security_level(context)))
        let version = minimum == .tls13 ? TLS1_3_VERSION : TLS1_2_VERSION
        guard unsafe parley_SSL_CTX_set_min_proto_version(context, version) == 1,
            unsafe parley_SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1,
            unsafe SSL_CTX_set_cipher_list(context, tls12Ciphers) == 1,
            unsafe setGroups(of: context, minimum),
            unsafe minimum == .tls12 || setSignatures(of: context, offered)
        else { throw CredentialError.refused("the TLS policy") }
        unsafe setOptions(of: context)
    }

    // MARK: Groups

    /// Those of `candidates` that the library and its providers support: a list with an unsupported
    /// group, such as X25519 under FIPS, is rejected as a whole.
    static func known(_ candidates: [String], to context: OpaquePointer) -> [String] {
        defer { _ = ErrorQueue.drain() }
        return candidates.filter { unsafe parley_SSL_CTX_set1_groups_list(context, $0) == 1 }
    }

    private static func setGroups(of context: OpaquePointer, _ minimum: TLSVersion) -> Bool {
        // X25519 is the fastest that everybody supports. TLS 1.2 also uses the list for
        // certificates.
        let exchanges = ["X25519", "P-256", "P-384"] + (minimum == .tls12 ? ["P-521"] : [])
        let known = unsafe known([hybrid] + exchanges, to: context)
        if known.starts(with: [hybrid, "X25519"]) {
            // A share of each (*), so that a peer without the first needs no second hello; and the
            // first even with a peer that supports it but sent no share (/).
            let list = "*\(hybrid)/*" + known.dropFirst().joined(separator: ":")
            if unsafe parley_SSL_CTX_set1_groups_list(context, list) == 1 { return true }
            // From a provider, in a library older than this notation.
            _ = ErrorQueue.drain()
        }
        return unsafe parley_SSL_CTX_set1_groups_list(context, known.joined(separator: ":")) == 1
    }

    /// Keeps what is recorded today secret from future quantum computers.
    private static let hybrid = "X25519MLKEM768"

    // MARK: Signatures

    /// Removes from the library's own offer what no TLS 1.3 peer can use.
    private static func setSignatures(of context: OpaquePointer, _ offered: [UInt16]) -> Bool {
        let useful = offered.compactMap { schemes[$0] }
        // If there is nothing to remove, this also keeps what is not in our table.
        guard !useful.isEmpty, offered.contains(where: { useless($0) }) else { return true }
        return unsafe parley_SSL_CTX_set1_sigalgs_list(context, useful.joined(separator: ":")) == 1
    }

    /// What a client offers under the system's configuration, which this process reads once.
    private static let known = Mutex<[UInt16]?>(nil)

    private static func offered(under context: OpaquePointer) -> [UInt16] {
        known.withLock { known in
            if let known { return known }
            let found = unsafe Rehearsal.offeredSignatures(under: context)
            known = found
            return found
        }
    }

    /// SHA-1, SHA-224 and DSA (RFC 8446, sections 4.2.3 and B.3.1.3).
    private static func useless(_ scheme: UInt16) -> Bool {
        (1...3).contains(scheme >> 8) && scheme & 0xff <= 3
            || (4...6).contains(scheme >> 8)
                && scheme & 0xff == 2
    }

    /// The TLS registry's "SignatureScheme", with OpenSSL's names. Those of PKCS #1 are for signatures
    /// in certificates.
    private static let schemes: [UInt16: String] = [
        0x0403: "ecdsa_secp256r1_sha256", 0x0503: "ecdsa_secp384r1_sha384",
        0x0603: "ecdsa_secp521r1_sha512", 0x0807: "ed25519", 0x0808: "ed448",
        0x0809: "rsa_pss_pss_sha256", 0x080a: "rsa_pss_pss_sha384", 0x080b: "rsa_pss_pss_sha512",
        0x0804: "rsa_pss_rsae_sha256", 0x0805: "rsa_pss_rsae_sha384",
        0x0806: "rsa_pss_rsae_sha512", 0x0401: "rsa_pkcs1_sha256", 0x0501: "rsa_pkcs1_sha384",
        0x0601: "rsa_pkcs1_sha512", 0x081a: "ecdsa_brainpoolP256r1tls13_sha256",
        0x081b: "ecdsa_brainpoolP384r1tls13_sha384", 0x081c: "ecdsa_brainpoolP512r1tls13_sha512",
        0x0904: "mldsa44", 0x0905: "mldsa65", 0x0906: "mldsa87",
    ]

    // MARK: Options

    private static func setOptions(of context: OpaquePointer) {
        // A cut connection must not look like a complete answer, whatever openssl.cnf says.
        unsafe SSL_CTX_clear_options(context, parley_SSL_OP_IGNORE_UNEXPECTED_EOF)
        // Nor must a server that asks for no certificate ask for one.
        unsafe SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nil)
        // Resumption would let a session outlive what was verified at its start. A compressed
        // certificate would be a stranger's input to a decompressor.
        let options =
            parley_SSL_OP_NO_TICKET | parley_SSL_OP_NO_RENEGOTIATION
            | parley_SSL_OP_NO_COMPRESSION | parley_SSL_OP_CIPHER_SERVER_PREFERENCE
            | parley_SSL_OP_NO_CERTIFICATE_COMPRESSION
        unsafe SSL_CTX_set_options(context, options)
        unsafe SSL_CTX_set_num_tickets(context, 0)
        unsafe parley_SSL_CTX_session_cache_off(context)
        unsafe SSL_CTX_set_max_early_data(context, 0)
        // An idle session holds no record buffers. A retried write may come from another address,
        // since unsent data is moved. The chain that is sent is the file's: OpenSSL would otherwise
        // complete it from the trusted CAs.
        unsafe parley_SSL_CTX_set_mode(
            context,
            Int(
                SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE
                    | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN))
        // One recv per record instead of one for its header and one for its body.
        unsafe parley_SSL_CTX_set_read_ahead(context, 1)
    }

    /// 112 bits: no RSA key below 2048, no SHA-1 (SSL_CTX_set_security_level(3)).
    private static let leastSecurityLevel: Int32 = 2
    private static let tls12Ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20"
}
