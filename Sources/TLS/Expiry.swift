// When a certificate or a CRL expires, and the warning before.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// The expiry of something that this end relies on.
public struct Expiry: Sendable {
    /// What it is.
    public enum Kind: Sendable {
        /// This end's own, or one of the chain that it sends.
        case certificate, chain
        /// A CA's that this end trusts, or a CRL.
        case authority, list
    }

    public let kind: Kind
    /// The certificate's subject, or the list's issuer.
    public let name: String
    /// What expires, with its file.
    let subject: String
    let remedy: String
    /// In seconds since 1970.
    let start: Int
    public let end: Int
    /// In seconds: anything with a shorter life, such as a certificate for a day or a list for a
    /// week, is renewed automatically.
    let brief: Int
    /// It had expired when it was read, which `TLSContext.warnings` say.
    var isAmongWarnings = false

    /// The warning that is due, in one sentence without its full stop: from 14 days before the end
    /// on, and after it. Nil if none is.
    ///
    /// - Parameter now: in seconds since 1970; nil for this moment.
    public func warning(at now: Int? = nil) -> String? {
        guard !isAmongWarnings else { return nil }
        let now = now ?? CertificateTime.now
        let text = CertificateTime(seconds: end)
        if now > end { return "\(subject) expired on \(text); \(remedy)" }
        guard end - now <= Self.window else { return nil }
        return "\(subject) expires on \(text), in \(Self.words(end - now)); \(remedy)"
    }

    /// The first of several warnings, for a user who runs a program once: none about what has
    /// expired, which is reported when it fails, and none about short-lived things that are renewed
    /// automatically, until a quarter of their life is left.
    public static func firstWarning(of expiries: [Expiry], at now: Int? = nil) -> String? {
        let now = now ?? CertificateTime.now
        let due = expiries.filter { expiry in
            let life = expiry.end - expiry.start
            return expiry.end >= now
                && expiry.end - now <= (life > expiry.brief ? window : life / 4)
        }
        return due.min { $0.end < $1.end }?.warning(at: now)
    }

    private static func words(_ seconds: Int) -> String {
        let (count, unit) =
            seconds >= 2 * day ? (seconds / day, "day") : (max(1, seconds / 3_600), "hour")
        return count == 1 ? "less than two \(unit)s" : "\(count) \(unit)s"
    }

    private static let day = 86_400
    private static let window = 14 * day
    fileprivate static let briefCertificate = 2 * day
    fileprivate static let briefList = 8 * day
}

extension Credentials {
    /// Of the certificate and its chain.
    var expiries: [Expiry] {
        chain.enumerated().compactMap { index, certificate in
            Expiry(
                index == 0 ? .certificate : .chain,
                index == 0
                    ? "the certificate \(path)"
                    : "the CA's certificate of \(certificate.subject) in \(path)",
                certificate, "renew it")
        }
    }
}

extension Trust {
    /// Of the CAs and the CRLs; the system maintains its own store.
    var expiries: [Expiry] {
        var expiries: [Expiry] = []
        if case .certificates(let certificates, let path) = anchors {
            expiries += certificates.compactMap {
                Expiry(
                    .authority, "the certificate of the CA \($0.subject) in \(path)", $0,
                    "get the next one")
            }
        }
        guard let crls else { return expiries }
        // A list may expire if the next one is in the same file.
        return expiries
            + crls.lists.compactMap { list in
                guard let end = list.end, !crls.lists.contains(where: { $0.follows(list) }) else {
                    return nil
                }
                return Expiry(
                    kind: .list, name: "\(list.issuer)",
                    subject: "the CRL of \(list.issuer) in \(crls.path)",
                    remedy: "get the next one, or every certificate from that CA will be rejected",
                    start: list.start.seconds, end: end.seconds, brief: Expiry.briefList)
            }
    }
}

extension RevocationList {
    fileprivate func follows(_ other: RevocationList) -> Bool {
        issuer == other.issuer && (coversLeaves || !other.coversLeaves)
            && (coversAuthorities || !other.coversAuthorities)
            && (end?.seconds ?? .max) > (other.end?.seconds ?? .max)
    }
}

extension Expiry {
    /// Nil for a certificate whose dates can't be read.
    fileprivate init?(
        _ kind: Kind, _ subject: String, _ certificate: Certificate, _ remedy: String
    ) {
        guard let start = certificate.start, let end = certificate.end else { return nil }
        self.init(
            kind: kind, name: "\(certificate.subject)", subject: subject, remedy: remedy,
            start: start.seconds, end: end.seconds, brief: Self.briefCertificate,
            isAmongWarnings: kind != .certificate && certificate.isExpired)
    }
}
