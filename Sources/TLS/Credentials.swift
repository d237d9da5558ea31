// A certificate chain with its private key: what an end proves itself by.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// A certificate, its chain and its private key, read once and found to be usable.
public final class Credentials: Sendable {
    /// What the certificate is for.
    public enum Purpose: Sendable { case server, client }

    /// The leaf first.
    public let chain: [Certificate]
    let key: PrivateKey
    /// The certificate's file.
    let path: String

    /// Reads and checks both files: the key belongs to the certificate and nobody else can read
    /// it, the certificate is valid today, made for its purpose, and has a name.
    ///
    /// - Throws: `CredentialError`, whose text names the command that mends it.
    public init(certificate: String, key keyPath: String, purpose: Purpose) throws(CredentialError)
    {
        path = certificate
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
        let isFit = unsafe X509_check_purpose(leaf.pointer, number, 0) == 1
        // A malformed extension leaves its errors behind.
        _ = ErrorQueue.drain()
        guard isFit else {
            throw CredentialError(
                .wrongPurpose,
                "the certificate \(certificate) is not made for a \(purpose == .server ? "server" : "client"); name another or \(remedy)"
            )
        }
        key = try PrivateKey(keyPath)
        guard unsafe X509_check_private_key(leaf.pointer, key.pointer) == 1 else {
            _ = ErrorQueue.drain()
            throw CredentialError(
                .keyMismatch,
                "the key \(keyPath) does not match the certificate \(certificate); name the two that belong together"
            )
        }
    }
}
