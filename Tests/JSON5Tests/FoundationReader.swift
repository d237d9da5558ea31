// Another reader of JSON5, to compare with.
// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials

/// FoundationEssentials' JSONDecoder, and what is known to be wrong with it (Swift 6.3).
enum FoundationReader {
    /// What a text says; nil where it is refused. Of equal keys it takes one.
    ///
    /// - Parameter text: one that `canRead`.
    static func read(_ text: String) -> JSON5Value? {
        let decoder = JSONDecoder()
        decoder.allowsJSON5 = true
        // It reads past a number that ends the data (swift-foundation #1625).
        return try? decoder.decode(Value.self, from: Data(text.utf8) + [UInt8(ascii: " ")]).value
    }

    /// Whether it reads a text's numbers as they are written. It ends the process at an exponent
    /// that has a sign and no digits, takes some zeros with an exponent, such as `0e5`, for too
    /// small to be a number, and drops the sign of `-0x0`.
    static func canRead(_ text: String) -> Bool {
        !text.contains(/[eE][+\-]([^0-9]|$)/)
            && !text.contains(/(^|[\s,:\[+\-\/])[0.]*0[0.]*[eE]/)
            && !text.contains(/-0[xX]0+([^0-9a-fA-F]|$)/)
    }

    private struct Value: Decodable {
        let value: JSON5Value

        init(from decoder: any Decoder) throws {
            if let keyed = try? decoder.container(keyedBy: Key.self) {
                var members: [[UInt8]: JSON5Value] = [:]
                for key in keyed.allKeys {
                    members[Array(key.stringValue.utf8)] =
                        try keyed.decode(Value.self, forKey: key).value
                }
                value = .object(members)
            } else if var unkeyed = try? decoder.unkeyedContainer() {
                var elements: [JSON5Value] = []
                while !unkeyed.isAtEnd { elements.append(try unkeyed.decode(Value.self).value) }
                value = .array(elements)
            } else {
                let single = try decoder.singleValueContainer()
                if single.decodeNil() {
                    value = .null
                } else if let truth = try? single.decode(Bool.self) {
                    value = .bool(truth)
                } else if let text = try? single.decode(String.self) {
                    value = JSON5Value(text)
                } else {
                    value = JSON5Value(try single.decode(Double.self))
                }
            }
        }
    }

    private struct Key: CodingKey {
        let stringValue: String
        let intValue: Int? = nil
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { return nil }
    }
}
