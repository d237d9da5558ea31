// An X.509 certificate, and what it says of whom it was issued to.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Glibc

/// An X.509 certificate.
@safe
public final class Certificate: @unchecked Sendable {
    let pointer: OpaquePointer

    /// Takes over a reference.
    init(owning pointer: OpaquePointer) {
        unsafe self.pointer = unsafe pointer
    }

    /// Shares a certificate that somebody else owns.
    init(sharing pointer: OpaquePointer) {
        unsafe X509_up_ref(pointer)
        unsafe self.pointer = unsafe pointer
    }

    deinit { unsafe X509_free(pointer) }

    /// Reads every certificate of a PEM file.
    static func read(_ path: String) throws(CredentialError) -> [Certificate] {
        unsafe try PEMFile(path).blocks("certificate") { bio in
            unsafe PEM_read_bio_X509(bio, nil, nil, nil).map { unsafe Certificate(owning: $0) }
        }
    }

    /// The subject alternative names (RFC 5280, section 4.2.1.6) of the kinds that identify a peer.
    /// A name with a character that could not be printed as it is, an embedded NUL among them, is
    /// none: whoever made it means to deceive.
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

    /// From when and until when it is valid, as `2026-11-21 03:02:00 UTC`.
    public var notBefore: String { unsafe Self.text(X509_get0_notBefore(pointer)) }
    public var notAfter: String { unsafe Self.text(X509_get0_notAfter(pointer)) }

    /// Until when it is valid, in seconds since 1970.
    var expiry: Int {
        var parts = unsafe tm()
        guard unsafe ASN1_TIME_to_tm(X509_get0_notAfter(pointer), &parts) == 1 else {
            _ = ErrorQueue.drain()
            return 0
        }
        return unsafe timegm(&parts)
    }

    var isExpired: Bool { unsafe X509_cmp_current_time(X509_get0_notAfter(pointer)) < 0 }
    var isNotYetValid: Bool { unsafe X509_cmp_current_time(X509_get0_notBefore(pointer)) > 0 }

    /// The issuer's name in one line, safe to print.
    var issuer: String {
        guard let bio = unsafe BIO_new(BIO_s_mem()) else { return "" }
        defer { unsafe BIO_free(bio) }
        unsafe X509_NAME_print_ex(bio, X509_get_issuer_name(pointer), 0, parley_XN_FLAG_ONELINE())
        var line = [UInt8](repeating: 0, count: 200)
        let count = unsafe BIO_read(bio, &line, Int32(line.count))
        _ = ErrorQueue.drain()
        return String(decoding: line.prefix(max(0, Int(count))), as: UTF8.self)
    }

    private static func text(_ time: UnsafePointer<ASN1_TIME>?) -> String {
        var parts = unsafe tm()
        guard unsafe ASN1_TIME_to_tm(time, &parts) == 1 else {
            _ = ErrorQueue.drain()
            return "an unreadable time"
        }
        var line = [CChar](repeating: 0, count: 32)
        unsafe strftime(&line, line.count, "%Y-%m-%d %H:%M:%S UTC", &parts)
        return String(
            decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// A subject alternative name: `dns:host.example`, `email:…`, `uri:…` or `ip:…`.
public struct SubjectName: Hashable, Sendable, CustomStringConvertible {
    public enum Kind: String, Sendable { case dns, email, uri, ip }

    public let kind: Kind
    public let value: String

    public var description: String { "\(kind.rawValue):\(value)" }

    init?(_ name: UnsafePointer<GENERAL_NAME>) {
        let kind: Kind
        switch unsafe name.pointee.type {
        case GEN_DNS: kind = .dns
        case GEN_EMAIL: kind = .email
        case GEN_URI: kind = .uri
        case GEN_IPADD: kind = .ip
        default: return nil
        }
        guard let string = unsafe parley_GENERAL_NAME_string(name),
            let start = unsafe ASN1_STRING_get0_data(string)
        else { return nil }
        let bytes = unsafe UnsafeBufferPointer(start: start, count: Int(ASN1_STRING_length(string)))
        self.kind = kind
        if kind == .ip {
            guard let address = unsafe Self.address(bytes) else { return nil }
            value = address
        } else {
            guard !bytes.isEmpty, unsafe bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
                return nil
            }
            value = unsafe String(decoding: bytes, as: UTF8.self)
        }
    }

    private static func address(_ bytes: UnsafeBufferPointer<UInt8>) -> String? {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        unsafe inet_ntop(
            bytes.count == 4 ? AF_INET : AF_INET6, bytes.baseAddress, &text, socklen_t(text.count))
        return String(
            decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Who a peer has proved to be.
public struct PeerIdentity: Hashable, Sendable, CustomStringConvertible {
    /// The certificate's subject alternative names, in its order.
    public let names: [SubjectName]
    /// SHA-256 of its public key.
    public let keyHash: [UInt8]
    /// Its serial number in hexadecimal.
    public let serial: String
    /// Until when it is valid.
    public let notAfter: String
    /// The same in seconds since 1970.
    public let expiry: Int

    init(_ certificate: Certificate) {
        names = certificate.names
        keyHash = certificate.keyHash
        serial = certificate.serial
        notAfter = certificate.notAfter
        expiry = certificate.expiry
    }

    /// The first name, else the key's pin.
    public var description: String {
        names.first?.description ?? pin
    }

    /// `sha256//` and the base64 of its public key's hash.
    public var pin: String { Pin(keyHash: keyHash).description }
}
