// The revocation lists of one file, and what they say of a chain.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import System

/// Lists that were usable when they were read: complete, current, signed, and at least one of them
/// from a trusted CA. There may be others from intermediates, whose certificates the peer has to
/// send.
struct RevocationLists: Sendable {
    let path: String
    let lists: [RevocationList]

    /// - Parameters:
    ///   - authorities: the trusted CAs with a name.
    ///   - origin: where these CAs came from, for sentences.
    /// - Throws: `CredentialError`.
    init(
        _ file: borrowing PEMFile, authorities: (DistinguishedName) -> [Certificate], origin: String
    ) throws(CredentialError) {
        path = file.path
        var lists: [RevocationList] = []
        var failure: CredentialError?
        // One by one, since an OpenSSL list of a million entries takes 200 MB.
        _ = unsafe try file.blocks(.revocationList, label: "X509 CRL") { bio -> Bool? in
            guard let list = unsafe PEM_read_bio_X509_CRL(bio, nil, nil, nil) else { return nil }
            defer { unsafe X509_CRL_free(list) }
            guard failure == nil else { return true }
            do throws(CredentialError) {
                lists.append(
                    unsafe try RevocationList(list, in: file.path, authorities: authorities))
            } catch {
                failure = error
            }
            return true
        }
        if let failure { throw failure }
        self.lists = lists
        try check(origin)
    }

    private func check(_ origin: String) throws(CredentialError) {
        if !lists.contains(where: \.isOfAnchor) {
            throw CredentialError(
                .foreignCRL,
                "\(path) has no CRL of a CA in \(origin), but one of \(lists[0].issuer); use the CRL of the trusted CA"
            )
        }
        let now = CertificateTime.now
        for list in lists where !list.isInForce(at: now) {
            // A file may contain the previous or the next list in addition to the current one.
            let hasCurrent = lists.contains { other in
                other.issuer == list.issuer && other.isInForce(at: now)
                    && (other.coversLeaves || !list.coversLeaves)
                    && (other.coversAuthorities || !list.coversAuthorities)
            }
            if hasCurrent { continue }
            if list.start.seconds > now {
                throw CredentialError(
                    .notYetValid,
                    "the CRL of \(list.issuer) in \(path) is not valid before \(list.start); check this machine's clock, or \(RevocationListReading.remedy)"
                )
            }
            throw CredentialError(
                .expired,
                "the CRL of \(list.issuer) in \(path) expired on \(list.endText); \(RevocationListReading.remedy)"
            )
        }
        if !lists.contains(where: \.coversLeaves) {
            throw CredentialError(
                .unusableCRL,
                "the CRL of \(lists[0].issuer) in \(path) covers only certificates of CAs; \(RevocationListReading.remedy)"
            )
        }
    }

    /// What is wrong with a certificate.
    enum Finding {
        case revoked
        /// It can't be determined, for this reason.
        case unknown(String)
    }

    /// Looks up a verified chain: always its first certificate, and any other if there is a list of
    /// its issuer.
    ///
    /// - Parameter chain: the leaf first, the anchor last.
    /// - Returns: the first certificate that must not be accepted; nil if there is none.
    func finding(in chain: [Certificate], now: Int = CertificateTime.now) -> (Certificate, Finding)?
    {
        for (depth, certificate) in chain.enumerated() {
            let isAnchor = depth == chain.count - 1
            let issuer =
                isAnchor ? (certificate.isSelfSigned ? certificate : nil) : chain[depth + 1]
            let finding = finding(
                certificate, of: issuer, isRequired: depth == 0, isAnchor: isAnchor, now: now)
            if let finding { return (certificate, finding) }
        }
        return nil
    }

    /// When the result of `finding` for a chain may change by itself, in seconds since 1970: a list of
    /// one of its issuers expires, or another becomes valid. Nil if none will.
    func nextTurn(for chain: [Certificate], after now: Int) -> Int? {
        lists.filter { list in
            chain.contains { list.issuer.isIssuer(of: $0) && list.covers($0) }
        }.flatMap { list in
            // A list is still valid in its last second.
            [list.start.seconds] + (list.end.map { [$0.seconds + 1] } ?? [])
        }.filter { $0 > now }.min()
    }

    private func finding(
        _ certificate: Certificate, of issuer: Certificate?, isRequired: Bool, isAnchor: Bool,
        now: Int
    ) -> Finding? {
        let named = lists.filter { $0.issuer.isIssuer(of: certificate) && $0.covers(certificate) }
        // Above an intermediate that is itself an anchor, only another of our CAs counts.
        let signed = named.filter { list in
            issuer.map { list.isSigned(by: $0) } ?? list.isOfAnchor
        }
        if signed.isEmpty {
            if isRequired || (!named.isEmpty && !isAnchor) {
                return .unknown(
                    named.isEmpty
                        ? "\(path) has no CRL of its issuer, \(certificate.issuer)"
                        : "the CRL of \(certificate.issuer) in \(path) is not signed by its issuer's key"
                )
            }
            return nil
        }
        let current = signed.filter { $0.isInForce(at: now) }
        guard let newest = current.map(\.start.seconds).max() else {
            let last = signed.max { $0.start.seconds < $1.start.seconds }!
            return .unknown(
                last.start.seconds > now
                    ? "the CRL of \(last.issuer) in \(path) is not valid before \(last.start)"
                    : "the CRL of \(last.issuer) in \(path) expired on \(last.endText)")
        }
        // A newer list may release what an older one put on hold.
        let isRevoked = current.contains {
            $0.start.seconds == newest && $0.contains(certificate)
        }
        return isRevoked ? .revoked : nil
    }
}

extension RevocationList {
    fileprivate var endText: String { end.map(\.description) ?? "an unknown date" }
}
