// An X.509 certificate, and what it says about its holder.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Synchronization
internal import System

/// An X.509 certificate.
@safe
public final class Certificate: Sendable {
    private let shared: SharedPointer<OpaquePointer>
    var pointer: OpaquePointer { unsafe shared.raw }
    private let known = Mutex(Known())

    /// What was found out before: for a client whose chain is known, that takes longer than everything else.
    private struct Known {
        var identity: PeerIdentity?
        /// The last scheme that was found to fit its key, and the last that verified something. Most keys have only one.
        var fitting: SignatureScheme?
        var verifying: Verifying?
    }

    /// What it says about its holder; this alone proves nothing.
    var identity: PeerIdentity {
        known.withLock { known in
            let identity = known.identity ?? PeerIdentity(self)
            known.identity = identity
            return identity
        }
    }

    /// Whether a TLS 1.3 CertificateVerify with its key may use the scheme: it has the right type and curve.
    func fits(_ scheme: SignatureScheme) -> Bool {
        known.withLock { known in
            if known.fitting == scheme { return true }
            guard let key = unsafe X509_get0_pubkey(pointer), unsafe scheme.fits(key) else {
                _ = ErrorQueue.drain()
                return false
            }
            known.fitting = scheme
            return true
        }
    }

    /// Whether its key, which the scheme must fit, has signed `content`.
    func verifies(
        _ signature: ArraySlice<UInt8>, of content: [UInt8], by scheme: SignatureScheme
    ) -> Bool {
        let prepared = known.withLock { known -> Verifying? in
            if known.verifying?.scheme != scheme { known.verifying = verifying(by: scheme) }
            // Some provider's may not be copyable.
            return known.verifying.flatMap { Verifying(copying: $0) ?? verifying(by: scheme) }
        }
        return prepared?.accepts(signature, of: content) ?? false
    }

    private func verifying(by scheme: SignatureScheme) -> Verifying? {
        guard let key = unsafe X509_get0_pubkey(pointer) else {
            _ = ErrorQueue.drain()
            return nil
        }
        return unsafe Verifying(scheme, by: key)
    }

    /// Takes over a reference.
    init(owning pointer: OpaquePointer) {
        unsafe shared = unsafe SharedPointer(pointer)
    }

    /// Shares a certificate that has another owner.
    init(sharing pointer: OpaquePointer) {
        unsafe X509_up_ref(pointer)
        unsafe shared = unsafe SharedPointer(pointer)
    }

    deinit { unsafe X509_free(pointer) }

    /// Reads every certificate of a PEM file.
    static func read(_ path: String) throws(CredentialError) -> [Certificate] {
        unsafe try PEMFile(path).blocks(.certificate, label: "CERTIFICATE") { bio in
            unsafe PEM_read_bio_X509(bio, nil, nil, nil).map { unsafe Certificate(owning: $0) }
        }
    }

    /// Reads one certificate in DER.
    ///
    /// - Returns: nil for anything else, including trailing bytes, and for more than `longest` bytes.
    public convenience init?(der: some Collection<UInt8>) {
        self.init(der: der, atMost: Self.longest)
    }

    /// - Parameter limit: in bytes.
    convenience init?(der: some Collection<UInt8>, atMost limit: Int) {
        guard der.count <= limit else { return nil }
        defer { _ = ErrorQueue.drain() }
        let bytes = Array(der)
        let read = unsafe bytes.withUnsafeBufferPointer { buffer -> OpaquePointer? in
            guard let start = buffer.baseAddress else { return nil }
            var place: UnsafePointer<UInt8>? = unsafe start
            guard let read = unsafe d2i_X509(nil, &place, buffer.count) else { return nil }
            if unsafe place == start + buffer.count { return unsafe read }
            unsafe X509_free(read)
            return nil
        }
        guard let read = unsafe read else { return nil }
        unsafe self.init(owning: read)
    }

    /// The most bytes that are read as a stranger's certificate: as many as a client's whole chain may have in a
    /// handshake.
    public static let longest = 32_768

    /// The certificate in DER; empty if memory is short.
    public var der: [UInt8] {
        defer { _ = ErrorQueue.drain() }
        var der: UnsafeMutablePointer<UInt8>?
        let length = unsafe i2d_X509(pointer, &der)
        guard length > 0, let start = unsafe der else { return [] }
        defer { unsafe CRYPTO_free(start, nil, 0) }
        return unsafe Array(UnsafeBufferPointer(start: start, count: Int(length)))
    }

    /// The subject alternative names (RFC 5280, section 4.2.1.6) of the kinds that identify a peer.
    /// A name with a character that can't be printed as it is, such as an embedded NUL, is ignored:
    /// it was made to deceive.
    public var names: [SubjectName] {
        guard let extensionValue = unsafe X509_get_ext_d2i(pointer, NID_subject_alt_name, nil, nil)
        else {
            _ = ErrorQueue.drain()
            return []
        }
        let list = OpaquePointer(extensionValue)
        defer { unsafe GENERAL_NAMES_free(list) }
        return unsafe (0..<parley_GENERAL_NAMES_count(list)).compactMap { index in
            unsafe parley_GENERAL_NAMES_at(list, index).flatMap { unsafe SubjectName($0) }
        }
    }

    /// SHA-256 of the public key (DER SubjectPublicKeyInfo), 32 bytes.
    public var keyHash: [UInt8] {
        var der: UnsafeMutablePointer<UInt8>?
        let length = unsafe i2d_X509_PUBKEY(X509_get_X509_PUBKEY(pointer), &der)
        guard length > 0, let encoded = unsafe der else { return [] }
        defer { unsafe CRYPTO_free(encoded, nil, 0) }
        var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        unsafe EVP_Digest(encoded, Int(length), &digest, nil, EVP_sha256(), nil)
        return digest
    }

    /// The serial number in hexadecimal.
    public var serial: String {
        guard let number = unsafe ASN1_INTEGER_to_BN(X509_get0_serialNumber(pointer), nil) else {
            return ""
        }
        defer { unsafe BN_free(number) }
        guard let text = unsafe BN_bn2hex(number) else { return "" }
        defer { unsafe CRYPTO_free(text, nil, 0) }
        return unsafe String(cString: text).lowercased()
    }

    /// The start and end of its validity, as `2026-11-21 03:02:00 UTC`.
    public var notBefore: String { Self.text(start) }
    public var notAfter: String { Self.text(end) }

    /// Nil if it can't be read.
    var start: CertificateTime? { unsafe CertificateTime(X509_get0_notBefore(pointer)) }
    var end: CertificateTime? { unsafe CertificateTime(X509_get0_notAfter(pointer)) }

    /// The end of its validity, in seconds since 1970.
    var expiry: Int { end?.seconds ?? 0 }

    var isExpired: Bool { unsafe X509_cmp_current_time(X509_get0_notAfter(pointer)) < 0 }
    var isNotYetValid: Bool { unsafe X509_cmp_current_time(X509_get0_notBefore(pointer)) > 0 }

    /// Each name in one line, safe to print.
    var issuer: String { unsafe DistinguishedName.line(X509_get_issuer_name(pointer)) }
    var subject: String { unsafe DistinguishedName.line(X509_get_subject_name(pointer)) }

    /// Whether it may sign certificates (RFC 5280, section 4.2.1.9), according to OpenSSL.
    var isAuthority: Bool {
        defer { _ = ErrorQueue.drain() }
        return unsafe X509_check_ca(pointer) != 0
    }

    /// Whether it names itself as its issuer.
    var isSelfSigned: Bool {
        defer { _ = ErrorQueue.drain() }
        return unsafe X509_self_signed(pointer, 0) == 1
    }

    /// Whether one of its extensions can't be read, so that OpenSSL accepts it for nothing.
    var isMalformed: Bool {
        defer { _ = ErrorQueue.drain() }
        return unsafe X509_get_extension_flags(pointer) & UInt32(EXFLAG_INVALID) != 0
    }

    /// Whether its key may sign CRLs.
    var maySignLists: Bool {
        defer { _ = ErrorQueue.drain() }
        return unsafe X509_get_key_usage(pointer) & UInt32(KU_CRL_SIGN) != 0
    }

    /// The identifiers of its own key and of its issuer's, in hexadecimal; nil if it has none.
    var keyID: String? { unsafe Self.hexadecimal(X509_get0_subject_key_id(pointer)) }
    var issuerKeyID: String? { unsafe Self.hexadecimal(X509_get0_authority_key_id(pointer)) }

    private static func hexadecimal(_ string: UnsafePointer<ASN1_OCTET_STRING>?) -> String? {
        defer { _ = ErrorQueue.drain() }
        guard let string = unsafe string else { return nil }
        let bytes = unsafe UnsafeBufferPointer(
            start: ASN1_STRING_get0_data(string), count: Int(ASN1_STRING_length(string)))
        // Its issuer could make it any length.
        return unsafe bytes.prefix(20).map { String($0, digits: 2, radix: 16) }.joined()
    }

    private static func text(_ time: CertificateTime?) -> String {
        time?.description ?? "an unreadable time"
    }
}

extension DistinguishedName {
    func isIssuer(of certificate: Certificate) -> Bool {
        unsafe X509_NAME_cmp(pointer, X509_get_issuer_name(certificate.pointer)) == 0
    }

    func isSubject(of certificate: Certificate) -> Bool {
        unsafe X509_NAME_cmp(pointer, X509_get_subject_name(certificate.pointer)) == 0
    }
}

extension PeerIdentity {
    /// What a certificate says about its holder; this alone proves nothing.
    public init(_ certificate: Certificate) {
        self.init(
            names: certificate.names, keyHash: certificate.keyHash, serial: certificate.serial,
            notAfter: certificate.notAfter, expiry: certificate.expiry)
    }
}
