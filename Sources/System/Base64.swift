// Bytes as text, and back.
// SPDX-License-Identifier: Apache-2.0

/// Base64 in its strict form (RFC 4648, section 4): with padding, without line breaks.
package enum Base64 {
    /// Encodes bytes.
    package static func text(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for place in 0..<4 {
                text.append(
                    place <= group.count ? alphabet[bits >> (18 - 6 * place) & 63] : padding)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Decodes a text; nil if it is not exactly what `text(_:)` produces for some bytes.
    package static func bytes(_ text: [UInt8]) -> [UInt8]? {
        let body = text.prefix { $0 != padding }
        let end = text.dropFirst(body.count)
        guard text.count % 4 == 0, end.count <= 2, end.allSatisfy({ $0 == padding }) else {
            return nil
        }
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
        // Bits that belong to no byte must be zero, or several texts would stand for the same
        // bytes.
        return bits & (1 << count - 1) == 0 ? bytes : nil
    }

    private static let padding = UInt8(ascii: "=")
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
}
