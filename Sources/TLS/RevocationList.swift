// A certificate revocation list, reduced to what is needed.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Synchronization
internal import System

/// A complete list (RFC 5280, section 5) of a CA's user certificates, its CA certificates, or both.
@safe
final class RevocationList: Sendable {
    let issuer: DistinguishedName
    /// Whether the list covers certificates of CAs, and all others.
    let coversAuthorities: Bool
    let coversLeaves: Bool
    let start: CertificateTime
    /// Nil for a list that does not announce its next one.
    let end: CertificateTime?
    let numbers: SerialNumbers
    private let signature: Mutex<Signature>

    /// Who signed the list.
    private enum Signature: Sendable {
        /// Not found yet: the peer has to send an intermediate's certificate.
        case open(SignedText)
        /// The holder of a key with this hash.
        case by([UInt8])
    }

    /// Copies what matters from a list, so that the list itself can be freed.
    ///
    /// - Parameters:
    ///   - list: an `X509_CRL`, which is sorted meanwhile.
    ///   - authorities: certificates of CAs that may have issued it.
    /// - Throws: `CredentialError` for a list that is incomplete, not fully understood, or not
    ///   signed by the CA that it names.
    init(
        _ list: OpaquePointer, in path: String, authorities: (DistinguishedName) -> [Certificate]
    ) throws(CredentialError) {
        guard let issuer = unsafe DistinguishedName(copying: X509_CRL_get_issuer(list)),
            let start = unsafe CertificateTime(X509_CRL_get0_lastUpdate(list))
        else {
            throw CredentialError(
                .malformed, "\(path) has a CRL that cannot be read; \(RevocationListReading.remedy)"
            )
        }
        self.issuer = issuer
        self.start = start
        let reading = unsafe RevocationListReading(list, "the CRL of \(issuer) in \(path)")
        end = try reading.end
        (coversAuthorities, coversLeaves) = try reading.scope
        try reading.refuseUnknownExtensions()
        let candidates = authorities(issuer)
        signature = Mutex(
            candidates.isEmpty
                ? .open(try reading.signedText) : .by(try reading.signer(among: candidates).keyHash)
        )
        numbers = try reading.numbers
    }

    /// Whether it was signed by one of our own CAs.
    var isOfAnchor: Bool {
        signature.withLock { if case .by = $0 { true } else { false } }
    }

    func isInForce(at now: Int) -> Bool {
        start.seconds <= now && end.map { now <= $0.seconds } ?? true
    }

    func covers(_ certificate: Certificate) -> Bool {
        certificate.isAuthority ? coversAuthorities : coversLeaves
    }

    func contains(_ certificate: Certificate) -> Bool {
        unsafe numbers.contains(X509_get0_serialNumber(certificate.pointer))
    }

    /// Whether the list was signed by a CA, whose own certificate was verified. Verifying a list of
    /// a million entries takes some 30 ms, so this is done once.
    func isSigned(by authority: Certificate) -> Bool {
        signature.withLock { signature in
            switch signature {
            case .by(let hash): return hash == authority.keyHash
            case .open(let text):
                guard text.isSigned(by: authority), authority.maySignLists else { return false }
                signature = .by(authority.keyHash)
                return true
            }
        }
    }

}
