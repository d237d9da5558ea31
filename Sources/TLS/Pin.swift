// A public key's hash, as curl writes it.
// SPDX-License-Identifier: Apache-2.0

/// `sha256//` and the base64 of the SHA-256 of a public key's DER SubjectPublicKeyInfo, the form of
/// curl's `--pinnedpubkey`.
public struct Pin: Hashable, Sendable, CustomStringConvertible {
    public let keyHash: [UInt8]

    init(keyHash: [UInt8]) { self.keyHash = keyHash }

    /// Reads either form.
    ///
    /// - Throws: `invalidPin`.
    public init(_ text: String) throws(CredentialError) {
        guard let prefix = [Self.prefix, Self.identityPrefix].first(where: text.hasPrefix),
            let hash = Self.decode(text.dropFirst(prefix.count).utf8),
            hash.count == 32
        else {
            throw CredentialError(
                .invalidPin,
                "a pin is sha256// or key:sha256: and 44 characters of base64; the server's administrator can tell it"
            )
        }
        keyHash = hash
    }

    public var description: String { Self.prefix + base64 }

    /// The same hash as command tables and logs have it: `key:sha256:…`.
    public var identity: String { Self.identityPrefix + base64 }

    private var base64: String {
        var text = ""
        for start in stride(from: 0, to: keyHash.count, by: 3) {
            let group = keyHash[start..<min(start + 3, keyHash.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for place in 0..<4 {
                text +=
                    place <= group.count
                    ? String(UnicodeScalar(Self.alphabet[bits >> (18 - 6 * place) & 63])) : "="
            }
        }
        return text
    }

    /// Strict base64 (RFC 4648, section 4); nil for anything else.
    private static func decode(_ text: Substring.UTF8View) -> [UInt8]? {
        let body = text.prefix { $0 != UInt8(ascii: "=") }
        let padding = text.count - body.count
        guard text.count % 4 == 0, padding <= 2,
            text.dropFirst(body.count).allSatisfy({ $0 == UInt8(ascii: "=") })
        else { return nil }
        var bytes: [UInt8] = []
        var (bits, count) = (0, 0)
        for character in body {
            guard let value = alphabet.firstIndex(of: character) else { return nil }
            bits = (bits << 6 | value) & 0xffff
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> count))
            }
        }
        guard bits & (1 << count - 1) == 0 else { return nil }
        return bytes
    }

    private static let prefix = "sha256//"
    private static let identityPrefix = "key:sha256:"
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
}
