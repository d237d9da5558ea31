// Who asks for a command.
// SPDX-License-Identifier: Apache-2.0

/// One client certificate's identity, in the table's words.
public struct Identity: Sendable, Hashable, CustomStringConvertible {
    /// `dns:…`, `email:…` and `uri:…`, in the certificate's order.
    public let names: [String]
    /// `key:sha256:` and the base64 of the SHA-256 of the public key's DER SubjectPublicKeyInfo;
    /// empty where it is not known.
    public let key: String

    public init(names: [String], key: String) {
        self.names = names
        self.key = key
    }

    /// The first name, or the key where there is no name.
    public var description: String { names.first ?? key }
}

extension Identity {
    /// Whether a text has the form of one identity: `dns:…`, `email:…`, `uri:…` or
    /// `key:sha256:…`.
    public static func isIdentity(_ text: String) -> Bool {
        guard !hasControlCharacters(text) else { return false }
        let bytes = text.utf8
        if bytes.starts(with: keyPrefix.utf8) {
            return isHash(Array(bytes.dropFirst(keyPrefix.utf8.count)))
        }
        return namePrefixes.contains {
            bytes.starts(with: $0.utf8) && bytes.count > $0.utf8.count
        }
    }

    /// Strict base64 (RFC 4648, section 4) of 32 bytes.
    private static func isHash(_ text: [UInt8]) -> Bool {
        guard text.count == 44, text[43] == UInt8(ascii: "=") else { return false }
        let body = text[..<43]
        // The last character carries four bits; the two below them must be zero.
        return body.allSatisfy { alphabet.contains($0) }
            && alphabet.firstIndex(of: text[42]).map { $0 & 3 == 0 } ?? false
    }

    static let kinds = "dns:, email:, uri: and key:sha256: with 44 characters of base64"
    private static let keyPrefix = "key:sha256:"
    private static let namePrefixes = ["dns:", "email:", "uri:"]
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
}
