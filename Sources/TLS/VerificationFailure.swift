// The sentence for each way in which the verification of a peer's certificate can fail.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Sockets
internal import System

extension Verification {
    func failure(
        _ finding: RevocationLists.Finding, of failing: Certificate, leaf: Certificate,
        lists: RevocationLists
    ) -> StreamError {
        let subject = subject(failing, leaf)
        switch finding {
        case .revoked:
            return StreamError(
                .certificateRevoked,
                "\(subject), serial \(bounded(failing.serial)), was revoked according to \(lists.path); do not use it any more"
            )
        case .unknown(let why):
            return StreamError(
                .revocationUnknown,
                "cannot tell whether \(subject) was revoked: \(why); \(RevocationListReading.remedy)"
            )
        }
    }

    func subject(_ failing: Certificate, _ leaf: Certificate) -> String {
        unsafe X509_cmp(failing.pointer, leaf.pointer) == 0
            ? context.role.peerCertificate
            : "a CA's certificate above \(context.role.peerCertificate)"
    }

    func failure(
        _ code: Int32, leaf: Certificate, failing: Certificate, trust: Trust
    ) -> StreamError {
        // Validity and revocation may fail anywhere in the chain, the name and the purpose only at
        // the leaf.
        let isLeaf = unsafe X509_cmp(failing.pointer, leaf.pointer) == 0
        let subject = subject(failing, leaf)
        let renew =
            context.role == .client || !isLeaf
            ? "its administrator must renew it" : "the client must renew it"
        switch code {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return StreamError(
                .certificateExpired, "\(subject) expired on \(failing.notAfter); \(renew)")
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return StreamError(
                .certificateNotYetValid,
                "\(subject) is not valid before \(failing.notBefore); check the clocks of both machines"
            )
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            return wrongHost(leaf)
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
            return StreamError(
                .selfSigned,
                "\(subject) is self-signed and not in \(trust.origin)",
                remedy: .trust(context.role.peer, isSelfSigned: true))
        case _ where Self.issuerCodes.contains(code): return issuerFailure(failing, trust)
        case X509_V_ERR_INVALID_PURPOSE:
            let role = context.role == .client ? "server" : "client"
            return StreamError(
                .wrongPurpose,
                "\(subject) has the wrong purpose: it is not for a \(role); a certificate with the right key usage is needed"
            )
        default:
            return StreamError(.certificateInvalid, "\(subject) is not accepted: \(sentence(code))")
        }
    }

    /// No trusted issuer was found, or not the one who signed.
    static let issuerCodes = [
        X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
        X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
        X509_V_ERR_CERT_SIGNATURE_FAILURE, X509_V_ERR_CERT_UNTRUSTED,
    ]

    func wrongHost(_ leaf: Certificate) -> StreamError {
        let names = leaf.names
        let wanted = serverName?.description ?? "this host"
        let hosts = names.filter { $0.kind == .dns || $0.kind == .ip }
        let (advice, remedy): (String, Streams.Remedy?) =
            if names.isEmpty {
                ("; its administrator must get one that has the server's name", nil)
            } else if !hosts.isEmpty {
                ("", .askForNameOfServer)
            } else if let uri = names.first(where: { $0.kind == .uri }) {
                ("", .askForServer(bounded(uri.description)))
            } else {
                ("; it names no server: its administrator must get one that does", nil)
            }
        // Names similar to the expected one first, since a certificate may have thousands.
        let end = wanted.split(separator: ".").dropFirst().joined(separator: ".").lowercased()
        let near = names.filter { !end.isEmpty && $0.value.lowercased().hasSuffix(end) }
        let far = names.filter { name in !near.contains(name) }
        return StreamError(
            .wrongHost,
            "\(context.role.peerCertificate) is not for \(bounded(wanted)) but for "
                + "\(list(near + far))\(advice)", remedy: remedy)
    }

    /// Some of the names, and how many more there are.
    private func list(_ names: [SubjectName]) -> String {
        guard !names.isEmpty else { return "no name at all" }
        let shown = names.prefix(Self.maxNames).map { bounded($0.description, to: 100) }
        let more = names.count - shown.count
        return shown.joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
    }

    private static let maxNames = 5

    /// It was not signed by a trusted CA.
    private func issuerFailure(_ failing: Certificate, _ trust: Trust) -> StreamError {
        guard case .certificates(let authorities, let path) = trust.anchors,
            let name = unsafe DistinguishedName(copying: X509_get_issuer_name(failing.pointer)),
            let namesake = authorities.first(where: { name.isSubject(of: $0) })
        else {
            return StreamError(
                .unknownCA,
                "\(context.role.peerCertificate) is from an unknown CA (\(failing.issuer)); the trusted CAs are those in \(trust.origin)",
                remedy: trustIt)
        }
        let key = failing.isSelfSigned ? failing.keyID : failing.issuerKeyID
        let which =
            if let key, let ours = namesake.keyID, key != ours {
                " (\(name)): its key id is \(key), but that of the one in \(path) is \(ours)"
            } else {
                " (\(name)) as the one in \(path), which did not sign it"
            }
        return StreamError(
            .unknownCA,
            "\(context.role.peerCertificate) is from another CA of the same name\(which)",
            remedy: trustIt)
    }

    private var trustIt: Streams.Remedy { .trust(context.role.peer, isSelfSigned: false) }

    /// X.509's own words.
    func sentence(_ code: Int32) -> String {
        unsafe String(cString: X509_verify_cert_error_string(Int(code)))
    }
}
