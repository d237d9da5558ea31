// A certificate chain with its private key: what an end authenticates with.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Sockets
public import System

/// A certificate, its chain and its private key, read once and found to be usable.
public final class Credentials: Sendable {
    /// What the certificate is for.
    public enum Purpose: String, Sendable { case server, client }

    /// How to check whether the key can sign for TLS.
    public enum Trial: Sendable {
        /// By a handshake in memory, which takes some milliseconds.
        case handshake
        /// Not here: `TLSContext.rehearseFace`, which includes one, follows.
        case withFace
        /// Not here: a client that was asked for its certificate and could not sign finds out then. A trial before
        /// each connection would take a third of the time of a whole `parley run`.
        case whenAsked
    }

    /// The key's own certificate first, wherever it is in its file, and then the others.
    public let chain: [Certificate]
    /// What its owner should know, but what does not prevent its use: sentences without their full
    /// stops.
    public let warnings: [String]
    let key: PrivateKey
    /// The certificate's file.
    let path: String
    /// The key's file, for a sentence.
    private let keyPath: String

    /// Reads and checks both files: the key matches the certificate and nobody else can read it, a
    /// TLS 1.3 peer can accept both, and the certificate is valid today, fits its purpose and, for
    /// a server, has a name.
    ///
    /// - Throws: `CredentialError`, whose text says what to do.
    public init(
        certificate: String, key keyPath: String, purpose: Purpose, trial: Trial = .handshake
    ) throws(CredentialError) {
        let certificates = try Certificate.read(certificate)
        let key = try PrivateKey(keyPath)
        self.key = key
        path = certificate
        self.keyPath = keyPath
        // If none belongs to the key, problems of the first are reported first.
        let place = certificates.firstIndex { key.belongs(to: $0) }
        let leaf = certificates[place ?? 0]
        var others = certificates
        others.remove(at: place ?? 0)
        chain = [leaf] + others
        warnings = Self.warnings(about: others, in: certificate, leafAt: place ?? 0)
        try Self.check(leaf, certificate, purpose)
        guard place != nil else {
            throw CredentialError(
                .keyMismatch,
                "the key \(keyPath) does not match the certificate \(certificate); use a key and a certificate that belong together"
            )
        }
        if leaf.hasExplicitCurve {
            throw CredentialError(
                .unusableKey,
                "the certificate \(certificate) describes its key's curve by parameters instead of its name, which peers reject; \(Self.newKey)"
            )
        }
        if case .handshake = trial { try rehearse() }
    }

    /// Credentials that were read and checked where the key is, without the key itself.
    ///
    /// - Parameters:
    ///   - chain: the key's own certificate first.
    ///   - path: the certificate's name in sentences.
    ///   - key: who signs.
    ///   - purpose: the end that the certificate must be for.
    /// - Throws: `CredentialError`: `keyMismatch` if the signer's trial signature isn't by the
    ///   certificate's key, `unusableKey` if it doesn't sign.
    public init(
        chain: [Certificate], from path: String, key: RemoteKey, purpose: Purpose
    ) throws(CredentialError) {
        guard let leaf = chain.first else {
            throw CredentialError(
                .empty, "there is no certificate in \(path); use a file that has one")
        }
        self.key = try PrivateKey(key, of: leaf, from: path)
        self.path = path
        keyPath = "of \(path)"
        self.chain = chain
        warnings = []
        try Self.check(leaf, path, purpose)
        try rehearse()
    }

    /// Credentials that were read, checked and tried where the key is.
    ///
    /// - Parameter chain: the key's own certificate first.
    /// - Throws: `CredentialError`, if there is no certificate, or its key can't be used remotely.
    init(
        tried chain: [Certificate], from path: String, key: RemoteKey
    ) throws(CredentialError) {
        guard let leaf = chain.first else {
            throw CredentialError(
                .empty, "there is no certificate in \(path); use a file that has one")
        }
        self.key = try PrivateKey(key, of: leaf, from: path)
        self.path = path
        keyPath = "of \(path)"
        self.chain = chain
        warnings = []
    }

    /// Signs with the key, for a process that uses it remotely. The caller must know whether the
    /// content may be signed.
    ///
    /// - Throws: `SigningRefusal` if the scheme doesn't fit the key, or the key can't sign.
    public func signature(
        of content: [UInt8], scheme: SignatureScheme
    ) throws(SigningRefusal) -> [UInt8] {
        guard let signature = key.sign(content, scheme) else {
            throw SigningRefusal("the key of \(path) cannot sign with the scheme \(scheme)")
        }
        return signature
    }

    private static func check(
        _ leaf: Certificate, _ path: String, _ purpose: Purpose
    ) throws(CredentialError) {
        if leaf.isMalformed {
            throw CredentialError(
                .malformed,
                "the certificate \(path) is malformed: an extension of it cannot be read; \(renewal)"
            )
        }
        if leaf.isExpired {
            throw CredentialError(
                .expired, "the certificate \(path) expired on \(leaf.notAfter); \(renewal)")
        }
        if leaf.isNotYetValid {
            throw CredentialError(
                .notYetValid,
                "the certificate \(path) is not valid before \(leaf.notBefore); check this machine's clock, or wait"
            )
        }
        if leaf.isFit(for: purpose) { return try checkNames(leaf, path, purpose) }
        let other = purpose == .server ? Purpose.client : .server
        let (why, isForNoOther) =
            if leaf.isAuthority {
                ("is a CA's certificate, not a \(purpose)'s", false)
            } else if leaf.isFit(for: other) {
                ("is for a \(other), not for a \(purpose)", false)
            } else {
                (
                    "is not for a \(purpose), according to its key usage or extended key usage",
                    true
                )
            }
        throw CredentialError(
            .wrongPurpose, "the certificate \(path) \(why)",
            remedy: .nameOwnCertificate(
                purpose == .server ? .server : .client, orReissue: isForNoOther))
    }

    private static func checkNames(
        _ leaf: Certificate, _ path: String, _ purpose: Purpose
    ) throws(CredentialError) {
        // A client without a name is identified by its key.
        guard purpose == .client || !leaf.names.isEmpty else {
            throw CredentialError(
                .nameless,
                "the certificate \(path) has no subject alternative name, which clients need to verify the server; have its CA issue one with the server's names, as the README describes under \"Certificates\""
            )
        }
    }

    private static func warnings(
        about others: [Certificate], in path: String, leafAt place: Int
    ) -> [String] {
        var warnings: [String] = []
        if place > 0 {
            warnings.append(
                "in \(path) the key's own certificate comes after \(place == 1 ? "another" : "\(place) others"); it is sent first anyway, but other programs expect it first in the file"
            )
        }
        for other in others {
            let when =
                if other.isExpired {
                    "expired on \(other.notAfter)"
                } else if other.isNotYetValid {
                    "is not valid before \(other.notBefore)"
                } else {
                    ""
                }
            guard !when.isEmpty else { continue }
            warnings.append(
                "in \(path) the certificate of \(other.subject) \(when), and peers that need it will reject the chain; replace it with the CA's current one"
            )
        }
        return warnings
    }

    /// Performs a handshake between a server with these credentials and a client, since whether a
    /// key can sign in TLS 1.3 depends on its curve, the library and openssl.cnf. A key that can't
    /// is rejected even if TLS 1.2 is allowed: no peer reports what goes wrong then.
    ///
    /// - Throws: `CredentialError`.
    func rehearse() throws(CredentialError) {
        // The client is not asked for a certificate, so both ends may have it.
        guard let context = unsafe SSL_CTX_new(TLS_method()) else {
            throw .refused("a TLS context")
        }
        defer { unsafe SSL_CTX_free(context) }
        unsafe try TLSPolicy.apply(to: context, minimum: .tls13)
        guard unsafe SSL_CTX_use_certificate(context, chain[0].pointer) == 1,
            unsafe SSL_CTX_use_PrivateKey(context, key.pointer) == 1
        else { throw .refused("the certificate \(path)") }
        let call = SigningCall.make(asking: key.signer, for: nil) {
            unsafe Rehearsal.failure(client: context, server: context)
        }
        guard let reasons = call.result else { return }
        if let refusal = call.refusal {
            throw CredentialError(
                .unusableKey,
                "the process that holds the key \(keyPath) did not sign: \(refusal.reason)"
            )
        }
        if key.signer != nil, reasons.contains(where: { $0.reason == SSL_R_BAD_SIGNATURE }) {
            throw CredentialError(
                .keyMismatch,
                "another process signs with a key that does not match the certificate \(path); restart the server, so that it loads both"
            )
        }
        throw CredentialError(
            .unusableKey,
            "the key \(keyPath) (\(key.kind)) cannot make any signature that TLS 1.3 supports and this system's OpenSSL configuration allows; \(Self.newKey)"
        )
    }

    private static let renewal =
        "have its CA issue a new one, as the README describes under \"Certificates\""
    static let newKey =
        "create a new key, for example on the curve P-256, and have its CA issue a certificate for it"
}

extension Certificate {
    fileprivate func isFit(for purpose: Credentials.Purpose) -> Bool {
        // A malformed extension leaves its errors behind.
        defer { _ = ErrorQueue.drain() }
        let number = purpose == .server ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT
        return unsafe X509_check_purpose(pointer, number, 0) == 1
    }

    /// Whether its key's curve is given by parameters (RFC 5480, section 2.1.1, forbids it).
    fileprivate var hasExplicitCurve: Bool {
        defer { _ = ErrorQueue.drain() }
        var isExplicit: Int32 = 0
        return unsafe EVP_PKEY_get_int_param(
            X509_get0_pubkey(pointer), OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &isExplicit)
            == 1 && isExplicit == 1
    }
}
