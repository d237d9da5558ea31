// The subject or issuer of a certificate or a CRL.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// An X.509 name, compared as in RFC 5280, section 7.1.
@safe
final class DistinguishedName: Sendable, Equatable, CustomStringConvertible {
    private let shared: SharedPointer<OpaquePointer>
    var pointer: OpaquePointer { unsafe shared.raw }

    /// Copies a name that has another owner; nil if memory is short.
    init?(copying name: OpaquePointer?) {
        guard let copy = unsafe X509_NAME_dup(name) else {
            _ = ErrorQueue.drain()
            return nil
        }
        unsafe shared = unsafe SharedPointer(copy)
    }

    /// Reads a name in DER; nil for anything else.
    init?(der: [UInt8]) {
        defer { _ = ErrorQueue.drain() }
        let read = unsafe der.withUnsafeBufferPointer { bytes -> OpaquePointer? in
            var place = bytes.baseAddress
            return unsafe d2i_X509_NAME(nil, &place, bytes.count)
        }
        guard let read = unsafe read else { return nil }
        unsafe shared = unsafe SharedPointer(read)
    }

    /// In DER; empty if memory is short.
    var der: [UInt8] {
        defer { _ = ErrorQueue.drain() }
        var der: UnsafeMutablePointer<UInt8>?
        let length = unsafe i2d_X509_NAME(pointer, &der)
        guard length > 0, let start = unsafe der else { return [] }
        defer { unsafe CRYPTO_free(start, nil, 0) }
        return unsafe Array(UnsafeBufferPointer(start: start, count: Int(length)))
    }

    deinit { unsafe X509_NAME_free(pointer) }

    static func == (a: DistinguishedName, b: DistinguishedName) -> Bool {
        unsafe X509_NAME_cmp(a.pointer, b.pointer) == 0
    }

    var description: String { unsafe Self.line(pointer) }

    /// In one line of at most 200 bytes, safe to print.
    static func line(_ name: OpaquePointer?) -> String {
        guard let bio = unsafe BIO_new(BIO_s_mem()) else { return "" }
        defer { unsafe BIO_free(bio) }
        unsafe X509_NAME_print_ex(bio, name, 0, parley_XN_FLAG_ONELINE())
        var line = [UInt8](repeating: 0, count: 200)
        let count = unsafe BIO_read(bio, &line, Int32(line.count))
        _ = ErrorQueue.drain()
        return String(decoding: line.prefix(max(0, Int(count))), as: UTF8.self)
    }
}
