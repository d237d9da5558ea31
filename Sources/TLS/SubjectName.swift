// A name in a certificate that identifies its holder.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import System

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
        return unsafe NumericAddress.text(Array(bytes))
    }
}
