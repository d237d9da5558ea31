// A certificate chain with its private key: what an end proves itself by.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// A certificate, its chain and its private key, read once and found to be usable.
@safe
public final class Credentials: @unchecked Sendable {
    /// What the certificate is for.
    public enum Purpose: Sendable { case server, client }

    /// The leaf first.
    public let chain: [Certificate]
    let key: OpaquePointer

    /// Reads and checks both files: the key belongs to the certificate and nobody else can read
    /// it, the certificate is valid today, made for its purpose, and has a name.
    ///
    /// - Throws: `CredentialError`, whose text names the command that mends it.
    public init(certificate: String, key keyPath: String, purpose: Purpose) throws(CredentialError)
    {
        chain = try Certificate.read(certificate)
        let leaf = chain[0]
        let remedy = "make a new one, for example with scripts/generate-certs --force"
        if leaf.isExpired {
            throw CredentialError(
                .expired, "the certificate \(certificate) expired on \(leaf.notAfter); \(remedy)")
        }
        if leaf.isNotYetValid {
            throw CredentialError(
                .notYetValid,
                "the certificate \(certificate) is not valid before \(leaf.notBefore); set this machine's clock or wait"
            )
        }
        guard !leaf.names.isEmpty else {
            throw CredentialError(
                .nameless,
                "the certificate \(certificate) has no subject alternative name, so nobody could verify it; \(remedy)"
            )
        }
        let number = purpose == .server ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT
        guard unsafe X509_check_purpose(leaf.pointer, number, 0) == 1 else {
            throw CredentialError(
                .wrongPurpose,
                "the certificate \(certificate) is not made for a \(purpose == .server ? "server" : "client"); name another or \(remedy)"
            )
        }
        unsafe key = unsafe try Self.readKey(keyPath)
        guard unsafe X509_check_private_key(leaf.pointer, key) == 1 else {
            _ = ErrorQueue.drain()
            unsafe EVP_PKEY_free(key)
            throw CredentialError(
                .keyMismatch,
                "the key \(keyPath) does not match the certificate \(certificate); name the two that belong together"
            )
        }
    }

    deinit { unsafe EVP_PKEY_free(key) }

    private static func readKey(_ path: String) throws(CredentialError) -> OpaquePointer {
        unsafe try PEMFile(path, isSecret: true).withBIO { (bio) throws(CredentialError) in
            var isEncrypted = false
            let key = unsafe withUnsafeMutablePointer(to: &isEncrypted) { flag in
                unsafe PEM_read_bio_PrivateKey(
                    bio, nil,
                    { _, _, _, flag in
                        // Asked for a passphrase: a server that starts by itself has nobody to ask.
                        unsafe flag?.assumingMemoryBound(to: Bool.self).pointee = true
                        return -1
                    }, flag)
            }
            let reasons = ErrorQueue.drain()
            if let key = unsafe key { return unsafe key }
            if isEncrypted {
                throw CredentialError(
                    .encryptedKey,
                    "the key \(path) is encrypted; decrypt it with: openssl pkey -in \(path) -out FILE, and protect FILE with chmod 600"
                )
            }
            if reasons.contains(where: {
                $0.library == ERR_LIB_PEM && $0.reason == PEM_R_NO_START_LINE
            })
                || reasons.isEmpty
            {
                throw CredentialError(
                    .notPEM,
                    "\(path) has no private key in PEM form; name a file with a -----BEGIN PRIVATE KEY----- line"
                )
            }
            throw CredentialError(
                .malformed,
                "\(path) has a private key that cannot be read (\(reasons.last?.text ?? "")); make it anew"
            )
        }
    }
}
