// When a certificate or a CRL ends, and the warning before.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// The end of something that an end relies on.
public struct Expiry: Sendable {
    /// What ends, with its file.
    let subject: String
    let remedy: String
    /// In seconds since 1970.
    let start: Int
    let end: Int
    /// In seconds: what lives no longer is renewed by a machine, a certificate of a day or a list of
    /// a week.
    let brief: Int

    /// The warning that is due, in one sentence without its full stop: from 14 days before the end
    /// on, and after it. Nil where none is.
    ///
    /// - Parameter now: in seconds since 1970; nil for this moment.
    public func warning(at now: Int? = nil) -> String? {
        let now = now ?? CertificateTime.now
        let text = CertificateTime(seconds: end)
        if now > end { return "\(subject) expired on \(text); \(remedy)" }
        guard end - now <= Self.window else { return nil }
        return "\(subject) expires on \(text), in \(Self.words(end - now)); \(remedy)"
    }

    /// The first warning of several for somebody who runs a program once: none of what has ended,
    /// which is told where it fails, and none of what lives for days only and is renewed by a
    /// machine, until a quarter of its life is left.
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
            // A CA's that had ended when it was read is among the warnings.
            guard index == 0 || !certificate.isExpired else { return nil }
            return Expiry(
                index == 0
                    ? "the certificate \(path)"
                    : "the CA's certificate of \(certificate.subject) in \(path)",
                certificate, "renew it")
        }
    }
}

extension Trust {
    /// Of the CAs and the CRLs; the system's store is the system's to keep.
    var expiries: [Expiry] {
        var expiries: [Expiry] = []
        if case .certificates(let certificates, let path) = anchors {
            // One that had ended when it was read is among the warnings.
            expiries += certificates.filter { !$0.isExpired }.compactMap {
                Expiry(
                    "the certificate of the CA \($0.subject) in \(path)", $0, "get the next one")
            }
        }
        guard let crls else { return expiries }
        // A list whose next one stands beside it may end.
        return expiries
            + crls.lists.compactMap { list in
                guard let end = list.end, !crls.lists.contains(where: { $0.follows(list) }) else {
                    return nil
                }
                return Expiry(
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
    fileprivate init?(_ subject: String, _ certificate: Certificate, _ remedy: String) {
        guard let start = certificate.start, let end = certificate.end else { return nil }
        self.init(
            subject: subject, remedy: remedy, start: start.seconds, end: end.seconds,
            brief: Self.briefCertificate)
    }
}
