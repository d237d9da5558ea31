// What a CRL may and may not contain.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import System

/// Checks an `X509_CRL` when it is read. OpenSSL 3.0 treats a delta CRL as a complete one, and
/// notices the other problems when the first peer is rejected.
@safe
struct RevocationListReading {
    private let list: OpaquePointer
    /// For sentences: which list it is.
    private let subject: String

    init(_ list: OpaquePointer, _ subject: String) {
        unsafe self.list = unsafe list
        self.subject = subject
    }

    var end: CertificateTime? {
        get throws(CredentialError) {
            guard let time = unsafe X509_CRL_get0_nextUpdate(list) else { return nil }
            guard let end = unsafe CertificateTime(time) else { throw malformed("its next update") }
            return end
        }
    }

    /// Which certificates it covers (RFC 5280, section 5.2.5).
    var scope: (authorities: Bool, leaves: Bool) {
        get throws(CredentialError) {
            if unsafe X509_CRL_get_ext_by_NID(list, NID_delta_crl, -1) >= 0 {
                throw unusable("is a delta CRL, which lists only changes since another CRL")
            }
            var critical: Int32 = 0
            let value = unsafe X509_CRL_get_ext_d2i(
                list, NID_issuing_distribution_point, &critical, nil)
            _ = ErrorQueue.drain()
            guard let value = unsafe value else {
                if critical == -1 { return (true, true) }
                throw malformed("its issuing distribution point")
            }
            let point = unsafe value.assumingMemoryBound(to: ISSUING_DIST_POINT.self)
            defer { unsafe ISSUING_DIST_POINT_free(point) }
            if unsafe point.pointee.indirectCRL != 0 {
                throw unusable("is an indirect CRL, which has entries for other CAs")
            }
            if unsafe point.pointee.distpoint != nil {
                throw unusable("covers only the certificates of one distribution point")
            }
            if unsafe point.pointee.onlysomereasons != nil {
                throw unusable("covers only some reasons for revocation")
            }
            if unsafe point.pointee.onlyattr != 0 {
                throw unusable("covers only attribute certificates")
            }
            return unsafe (point.pointee.onlyuser == 0, point.pointee.onlyCA == 0)
        }
    }

    /// An unknown critical extension may change what the list means (section 5.2).
    func refuseUnknownExtensions() throws(CredentialError) {
        for index in unsafe 0..<X509_CRL_get_ext_count(list) {
            unsafe try refuse(X509_CRL_get_ext(list, index))
        }
    }

    /// The CA that signed it.
    func signer(among authorities: [Certificate]) throws(CredentialError) -> Certificate {
        let signer = authorities.first {
            unsafe X509_CRL_verify(list, X509_get0_pubkey($0.pointer)) == 1
        }
        _ = ErrorQueue.drain()
        guard let signer else {
            throw CredentialError(
                .badSignature,
                "\(subject) is not signed by the key of that CA; \(Self.remedy)")
        }
        guard signer.maySignLists else {
            throw unusable("is from a CA whose key usage does not include CRL signing")
        }
        return signer
    }

    var signedText: SignedText {
        get throws(CredentialError) {
            let text = unsafe SignedText(list)
            _ = ErrorQueue.drain()
            guard let text else { throw malformed("it") }
            return text
        }
    }

    /// The serial numbers of all entries. Sorts the list.
    var numbers: SerialNumbers {
        get throws(CredentialError) {
            var numbers = SerialNumbers()
            guard let entries = unsafe X509_CRL_get_REVOKED(list) else { return numbers }
            unsafe OPENSSL_sk_sort(entries)
            let count = unsafe OPENSSL_sk_num(entries)
            numbers.reserve(Int(count))
            for index in 0..<count {
                let entry = unsafe OpaquePointer(OPENSSL_sk_value(entries, index)!)
                let extensions = unsafe X509_REVOKED_get_ext_count(entry)
                if extensions > 0 { unsafe try refuseExtensions(of: entry, extensions) }
                unsafe numbers.append(X509_REVOKED_get0_serialNumber(entry))
            }
            return numbers
        }
    }

    private func refuseExtensions(of entry: OpaquePointer, _ count: Int32) throws(CredentialError) {
        for index in 0..<count { unsafe try refuse(X509_REVOKED_get_ext(entry, index)) }
        var critical: Int32 = 0
        guard let value = unsafe X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, &critical, nil)
        else {
            _ = ErrorQueue.drain()
            if critical == -1 { return }
            throw malformed("the reason of an entry")
        }
        let reason = unsafe value.assumingMemoryBound(to: ASN1_ENUMERATED.self)
        defer { unsafe ASN1_ENUMERATED_free(reason) }
        if unsafe ASN1_ENUMERATED_get(reason) == Self.removeFromCRL {
            throw unusable(
                "has an entry with the reason removeFromCRL, which only a delta CRL may have")
        }
    }

    private func refuse(_ extensionValue: OpaquePointer?) throws(CredentialError) {
        let object = unsafe X509_EXTENSION_get_object(extensionValue)
        let number = unsafe OBJ_obj2nid(object)
        if number == NID_certificate_issuer {
            throw unusable("has entries for other CAs")
        }
        guard unsafe X509_EXTENSION_get_critical(extensionValue) == 1,
            !Self.understood.contains(number)
        else { return }
        var name = [CChar](repeating: 0, count: 80)
        unsafe OBJ_obj2txt(&name, Int32(name.count), object, 0)
        let text = String(
            decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        throw unusable("has the critical extension \(text), which is not supported")
    }

    private func unusable(_ why: String) -> CredentialError {
        CredentialError(.unusableCRL, "\(subject) \(why); \(Self.remedy)")
    }

    private func malformed(_ what: String) -> CredentialError {
        CredentialError(
            .malformed, "\(subject) is malformed: \(what) cannot be read; \(Self.remedy)")
    }

    /// The remedy for any of these.
    static let remedy = "get the complete current CRL from its CA"
    private static let understood: Set<Int32> = [
        NID_issuing_distribution_point, NID_authority_key_identifier, NID_crl_number,
        NID_crl_reason, NID_invalidity_date,
    ]
    /// CRLReason (RFC 5280, section 5.3.1).
    private static let removeFromCRL = 8
}
