// What is wrong with a file of CAs or CRLs that is usable anyway.
// SPDX-License-Identifier: Apache-2.0

extension Trust {
    /// For CAs that are not valid today, if others are: sentences without their full stops.
    var warnings: [String] {
        guard case .certificates(let certificates, let path) = anchors else { return [] }
        let warnings = certificates.compactMap { certificate -> String? in
            let when =
                if certificate.isExpired {
                    "expired on \(certificate.notAfter)"
                } else if certificate.isNotYetValid {
                    "is not valid before \(certificate.notBefore)"
                } else {
                    ""
                }
            guard !when.isEmpty else { return nil }
            return
                "in \(path) the certificate of the CA \(certificate.subject) \(when), so clients with a certificate from that CA are rejected; replace it with the current one, or remove it"
        }
        return Self.first(of: warnings, "CAs in \(path) that are not valid today")
    }

    /// For CAs without a revocation list, if others have one: clients with a certificate from such
    /// a CA are all rejected. Sentences without their full stops.
    var authoritiesWithoutList: [String] {
        guard let crls, case .certificates(let certificates, let path) = anchors else { return [] }
        let uncovered = certificates.filter { certificate in
            !certificate.isExpired
                && !crls.lists.contains { list in
                    list.coversLeaves && list.issuer.isSubject(of: certificate)
                        && list.isSigned(by: certificate)
                }
        }
        let warnings = uncovered.map {
            "\(crls.path) has no CRL of the CA \($0.subject) in \(path), so every client certificate from this CA is rejected; add its current CRL to that file"
        }
        return Self.first(of: warnings, "CAs in \(path) that have no CRL in \(crls.path)")
    }

    /// Some of the warnings, and how many more there are: a file may be a system's whole store.
    private static func first(of warnings: [String], _ what: String) -> [String] {
        guard warnings.count > maxWarnings else { return warnings }
        return warnings.prefix(maxWarnings) + [
            "there are \(warnings.count - maxWarnings) more \(what)"
        ]
    }

    private static let maxWarnings = 10
}
