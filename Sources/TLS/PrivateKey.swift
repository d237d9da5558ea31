// A private key.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Glibc
internal import Synchronization
internal import System

/// A private key from a PEM file that nobody else can read, or a remote one.
@safe
final class PrivateKey: Sendable {
    private let shared: SharedPointer<OpaquePointer>
    var pointer: OpaquePointer { unsafe shared.raw }
    /// The signer for a remote key; nil for a local one.
    let signer: (any RemoteSigner)?
    private let prepared = Mutex<[SignatureScheme: Signing]>([:])

    /// - Throws: `CredentialError`; an encrypted key is rejected, since a server that starts
    ///   unattended can't ask for the passphrase.
    init(_ path: String) throws(CredentialError) {
        unsafe shared = unsafe SharedPointer(try Self.read(path))
        signer = nil
    }

    /// The key of a certificate.
    ///
    /// - Parameter path: the certificate's name in sentences.
    /// - Throws: `unusableKey` for a type of key that can't be remote.
    init(
        _ key: RemoteKey, of certificate: Certificate, from path: String
    ) throws(CredentialError) {
        guard let pointer = unsafe key.pointer(for: certificate) else {
            let reasons = ErrorQueue.drain().map(\.text)
            let kind = unsafe X509_get0_pubkey(certificate.pointer).map { unsafe Self.kind(of: $0) }
            throw CredentialError(
                .unusableKey,
                "the key of the certificate \(path) (\(kind ?? "unreadable")) is of a type that cannot sign in a separate process, as a server's key must: use RSA, Ed25519, Ed448, or the curve P-256, P-384 or P-521; \(Credentials.newKey)",
                cause: .openSSL(reasons))
        }
        unsafe shared = unsafe SharedPointer(pointer)
        signer = key.signer
    }

    deinit { unsafe EVP_PKEY_free(pointer) }

    func belongs(to certificate: Certificate) -> Bool {
        defer { _ = ErrorQueue.drain() }
        return unsafe X509_check_private_key(certificate.pointer, pointer) == 1
    }

    /// Its curve or type: `secp256k1`, `RSA`.
    var kind: String { unsafe Self.kind(of: pointer) }

    private static func kind(of key: OpaquePointer) -> String {
        if let curve = unsafe Curve.name(of: key) { return curve }
        return unsafe EVP_PKEY_get0_type_name(key).map { unsafe String(cString: $0) }
            ?? "of an unknown type"
    }

    /// Signs with a local key.
    ///
    /// - Returns: nil if the key's type doesn't fit the scheme, or the key is remote.
    func sign(_ content: [UInt8], _ scheme: SignatureScheme) -> [UInt8]? {
        defer { _ = ErrorQueue.drain() }
        guard let signing = signing(scheme) else { return nil }
        return signing.sign(content, room: Int(max(0, unsafe EVP_PKEY_get_size(pointer))))
    }

    /// OpenSSL's look-ups before a signature take a third of the time of one with P-256, so they are done once for each
    /// scheme, and copied. Other providers' signatures may not be copyable, or may hold a token's session.
    private func signing(_ scheme: SignatureScheme) -> Signing? {
        guard isOfDefaultProvider else { return unsafe Signing(scheme, by: pointer) }
        return prepared.withLock { prepared in
            if prepared[scheme] == nil { prepared[scheme] = unsafe Signing(scheme, by: pointer) }
            return prepared[scheme].flatMap { Signing(copying: $0) }
        }
    }

    private var isOfDefaultProvider: Bool {
        guard let provider = unsafe EVP_PKEY_get0_provider(pointer),
            let name = unsafe OSSL_PROVIDER_get0_name(provider)
        else { return false }
        return unsafe strcmp(name, "default") == 0
    }

    private static func read(_ path: String) throws(CredentialError) -> OpaquePointer {
        let file = try PEMFile(path, isSecret: true)
        let isKey = file.contains("PRIVATE KEY-----")
        return unsafe try file.withBIO { (bio) throws(CredentialError) in
            var isEncrypted = false
            let key = unsafe withUnsafeMutablePointer(to: &isEncrypted) { flag in
                unsafe PEM_read_bio_PrivateKey(
                    bio, nil,
                    { _, _, _, flag in
                        // Asked for a passphrase: a server that starts unattended has nobody to
                        // ask.
                        unsafe flag?.assumingMemoryBound(to: Bool.self).pointee = true
                        return -1
                    }, flag)
            }
            let reasons = ErrorQueue.drain()
            if let key = unsafe key { return unsafe key }
            if isEncrypted {
                throw CredentialError(
                    .encryptedKey,
                    "the key \(path) is encrypted, and nobody can be asked for its passphrase; decrypt it into a separate file: (umask 077; openssl pkey -in \(shellWord(path)) -out FILE)"
                )
            }
            if let error = file.foreignForm(for: .key) { throw error }
            // OpenSSL tries other encodings too, and its reasons don't say which.
            if !isKey {
                throw CredentialError(
                    .notPEM,
                    "\(path) has no private key in PEM format; use a file with a -----BEGIN PRIVATE KEY----- line"
                )
            }
            throw CredentialError(
                .malformed,
                "\(path) has a private key that cannot be read (\(reasons.last?.text ?? "")); copy it again from its source"
            )
        }
    }
}
