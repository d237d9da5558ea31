// What an end trusts: CA certificates, pinned keys, or the system's store, minus what was revoked.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import System

/// The anchors that a peer's certificate is verified against, read once.
public struct Trust: Sendable {
    enum Anchors: Sendable {
        case certificates([Certificate], path: String)
        /// Because none of these folders had a CA.
        case system(lookedIn: [String])
        /// Only the pinned keys.
        case pins
    }

    let anchors: Anchors
    let pins: [Pin]
    let crls: RevocationLists?

    /// Reads what to trust.
    ///
    /// - Parameters:
    ///   - ca: a PEM file of CA certificates; nil for the pins alone or, if there are none, for the
    ///     system's store.
    ///   - pins: the peer's public key must be one of these, in addition to `ca`.
    ///   - crl: a PEM file of revocation lists, one of which must be from a trusted CA.
    ///   - places: the folders where `ca` was looked for in vain, for messages.
    ///   - filesRead: called when no more files will be opened. What follows may take seconds for a
    ///     list of a million entries. Not called if something is thrown before.
    /// - Throws: `CredentialError`.
    public init(
        ca: String?, pins: [Pin] = [], crl: String? = nil, lookedIn places: [String] = [],
        filesRead: () -> Void = {}
    ) throws(CredentialError) {
        if let ca {
            anchors = .certificates(try Self.authorities(ca), path: ca)
        } else {
            anchors = pins.isEmpty ? .system(lookedIn: places) : .pins
        }
        self.pins = pins
        if let crl {
            if case .pins = anchors {
                throw CredentialError(
                    .refused, "a CRL cannot be checked against a pinned key alone",
                    remedy: .nameIssuer)
            }
            let file = try Self.listFile(crl)
            filesRead()
            crls = try RevocationLists(
                file, authorities: Self.search(anchors), origin: Self.origin(of: anchors))
        } else {
            filesRead()
            crls = nil
        }
    }

    /// The names of the CAs in DER, each once; none if they have more than 16 KiB. The list is only a hint, and
    /// not worth sending more to each stranger; OpenSSL's own clients accept 64 KiB.
    var authorityNames: [[UInt8]] {
        guard case .certificates(let certificates, _) = anchors else { return [] }
        var names: [DistinguishedName] = []
        for certificate in certificates {
            guard
                let name = unsafe DistinguishedName(
                    copying: X509_get_subject_name(certificate.pointer))
            else { return [] }
            if !names.contains(name) { names.append(name) }
        }
        let encoded = names.map(\.der)
        return encoded.reduce(0) { $0 + $1.count + 2 } <= 16_384 ? encoded : []
    }

    /// For messages: where the anchors came from.
    var origin: String { Self.origin(of: anchors) }

    private static func origin(of anchors: Anchors) -> String {
        switch anchors {
        case .certificates(_, let path): path
        case .system(let places):
            places.isEmpty
                ? "the system's store"
                : "the system's store, since there is no ca.pem in \(places.joined(separator: " or "))"
        case .pins: "the pinned key"
        }
    }

    /// The CAs of a file, at least one of which is valid today.
    private static func authorities(_ path: String) throws(CredentialError) -> [Certificate] {
        let certificates = try Certificate.read(path)
        if let bad = certificates.first(where: \.isMalformed) {
            throw CredentialError(
                .malformed,
                "the certificate of \(bad.subject) in \(path) is malformed: an extension cannot be read; get a new one from its CA"
            )
        }
        // A server's self-signed certificate is its own CA. Any other leaf would also become an
        // anchor, since intermediates do.
        let authorities = certificates.filter { $0.isAuthority || $0.isSelfSigned }
        guard !authorities.isEmpty else {
            throw CredentialError(
                .notAuthority,
                "\(path) has no CA: the certificate of \(certificates[0].subject) may not sign others; use the certificate of its issuer, \(certificates[0].issuer)"
            )
        }
        guard !authorities.contains(where: { !$0.isExpired && !$0.isNotYetValid }) else {
            return authorities
        }
        guard let old = authorities.first(where: \.isExpired) else {
            throw CredentialError(
                .notYetValid,
                "the certificate of the CA \(authorities[0].subject) in \(path) is not valid before \(authorities[0].notBefore); check this machine's clock"
            )
        }
        throw CredentialError(
            .expired,
            "the certificate of the CA \(old.subject) in \(path) expired on \(old.notAfter); get the current one"
        )
    }

    private static func listFile(_ path: String) throws(CredentialError) -> PEMFile {
        do throws(CredentialError) {
            return try PEMFile(path)
        } catch {
            guard error.code == .missing else { throw error }
            throw CredentialError(
                .missing, "the CRL \(path) does not exist", remedy: .getListOrNameNone,
                cause: error.cause)
        }
    }

    /// Finds the trusted CAs with a name.
    private static func search(_ anchors: Anchors) -> (DistinguishedName) -> [Certificate] {
        switch anchors {
        case .certificates(let certificates, _):
            { name in certificates.filter { name.isSubject(of: $0) } }
        case .system: systemAuthorities
        case .pins: { _ in [] }
        }
    }

    private static func systemAuthorities(_ name: DistinguishedName) -> [Certificate] {
        defer { _ = ErrorQueue.drain() }
        guard let store = unsafe X509_STORE_new() else { return [] }
        defer { unsafe X509_STORE_free(store) }
        guard let context = unsafe X509_STORE_CTX_new() else { return [] }
        defer { unsafe X509_STORE_CTX_free(context) }
        guard unsafe X509_STORE_set_default_paths(store) == 1,
            unsafe X509_STORE_CTX_init(context, store, nil, nil) == 1,
            let found = unsafe X509_STORE_CTX_get1_certs(context, name.pointer)
        else { return [] }
        defer { unsafe OPENSSL_sk_free(found) }
        return unsafe (0..<OPENSSL_sk_num(found)).map {
            unsafe Certificate(owning: OpaquePointer(OPENSSL_sk_value(found, $0)!))
        }
    }

    /// Fills a context's store.
    func install(in context: OpaquePointer) throws(CredentialError) {
        let store = unsafe SSL_CTX_get_cert_store(context)
        switch anchors {
        case .certificates(let certificates, _):
            for certificate in certificates {
                unsafe X509_STORE_add_cert(store, certificate.pointer)
            }
            // An intermediate may be trusted without its root's other intermediates.
            unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        case .system:
            unsafe SSL_CTX_set_default_verify_paths(context)
        case .pins: break
        }
        // A duplicate certificate in a file is not a mistake.
        _ = ErrorQueue.drain()
    }
}
