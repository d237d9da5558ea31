// What an end trusts: CA certificates, pinned keys, or the system's store, less what was revoked.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// The anchors that a peer's certificate is verified against, read once.
public struct Trust: Sendable {
    enum Anchors: Sendable {
        case certificates([Certificate], path: String)
        /// Since a CA was in none of these folders.
        case system(lookedIn: [String])
        /// None but the pinned keys.
        case pins
    }

    let anchors: Anchors
    let pins: [Pin]
    let crls: CRLs?

    /// Reads what to trust.
    ///
    /// - Parameters:
    ///   - ca: a PEM file of CA certificates; nil for the pins alone, or where there are none for
    ///     the system's store.
    ///   - pins: public keys of which the peer's must be one, in addition to `ca`.
    ///   - crl: a PEM file of revocation lists, one of which must be the peer's issuer's.
    ///   - places: the folders where `ca` was looked for in vain, for messages.
    /// - Throws: `CredentialError`.
    public init(
        ca: String?, pins: [Pin] = [], crl: String? = nil, lookedIn places: [String] = []
    ) throws(CredentialError) {
        if let ca {
            anchors = .certificates(try Certificate.read(ca), path: ca)
        } else {
            anchors = pins.isEmpty ? .system(lookedIn: places) : .pins
        }
        self.pins = pins
        if let crl {
            if case .pins = anchors {
                throw CredentialError(
                    .refused,
                    "a CRL cannot be checked against a pinned key alone; give its issuer's certificate with --ca"
                )
            }
            crls = try CRLs(crl)
        } else {
            crls = nil
        }
    }

    /// For messages: where the anchors came from.
    var origin: String {
        switch anchors {
        case .certificates(_, let path): path
        case .system(let places):
            places.isEmpty
                ? "the system's store"
                : "the system's store, since there is no ca.pem in \(places.joined(separator: " or "))"
        case .pins: "the pinned key"
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
        case .system:
            unsafe SSL_CTX_set_default_verify_paths(context)
        case .pins: break
        }
        if let crls {
            unsafe crls.install(in: store!)
        }
        // A certificate that is twice in a file is no mistake.
        _ = ErrorQueue.drain()
    }
}

/// The revocation lists of one file.
struct CRLs: Sendable {
    let path: String
    private let lists: [CRL]

    init(_ path: String) throws(CredentialError) {
        self.path = path
        lists = unsafe try PEMFile(path).blocks("CRL") { bio in
            unsafe PEM_read_bio_X509_CRL(bio, nil, nil, nil).map { unsafe CRL(owning: $0) }
        }
    }

    /// Has every leaf looked up; a leaf whose issuer has no list here is refused.
    func install(in store: OpaquePointer) {
        for list in lists { unsafe X509_STORE_add_crl(store, list.pointer) }
        unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_CRL_CHECK))
    }
}

/// A revocation list.
@safe
private final class CRL: @unchecked Sendable {
    let pointer: OpaquePointer

    init(owning pointer: OpaquePointer) {
        unsafe self.pointer = unsafe pointer
    }

    deinit { unsafe X509_CRL_free(pointer) }
}
