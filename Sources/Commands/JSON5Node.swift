// A value of a JSON5 text, with its place.
// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials

/// What the scanner found; FoundationEssentials reads strings and numbers when they are asked for.
struct JSON5Node {
    struct Member {
        let key: String
        /// The key's first byte.
        let offset: Int
        let value: JSON5Node
    }

    enum Content {
        case object([Member])
        case array([JSON5Node])
        /// As it is written, with its quotes.
        case string(ArraySlice<UInt8>)
        case number(ArraySlice<UInt8>)
        case bool(Bool)
        case null
    }

    /// The value's first byte.
    let offset: Int
    let content: Content

    /// - Parameters:
    ///   - what: the value's name in a sentence, such as `'run'`.
    ///   - expected: what the whole value should be, such as `an array of strings`.
    func object(_ what: String, _ expected: String) throws(Mistake) -> [Member] {
        guard case .object(let members) = content else { throw wrongType(what, expected) }
        return members
    }

    func array(_ what: String, _ expected: String) throws(Mistake) -> [JSON5Node] {
        guard case .array(let elements) = content else { throw wrongType(what, expected) }
        return elements
    }

    func bool(_ what: String) throws(Mistake) -> Bool {
        guard case .bool(let value) = content else { throw wrongType(what, "true or false") }
        return value
    }

    func string(_ what: String, _ expected: String) throws(Mistake) -> String {
        guard case .string(let literal) = content else { throw wrongType(what, expected) }
        guard let value = Self.decode(String.self, literal) else {
            throw Mistake(
                .syntax, at: offset,
                "\(what) is a string that cannot be read; escapes are \\\\ \\/ \\\" \\' \\b \\f \\n \\r \\t, \\xHH and \\uHHHH"
            )
        }
        return value
    }

    func number(_ what: String, _ expected: String) throws(Mistake) -> Double {
        guard case .number(let literal) = content else { throw wrongType(what, expected) }
        guard isJSON5Number(literal), let value = Self.decode(Double.self, literal) else {
            throw Mistake(
                .syntax, at: offset, "\(what) is a number that cannot be read; expected \(expected)"
            )
        }
        return value
    }

    func wrongType(_ what: String, _ expected: String) -> Mistake {
        Mistake(.wrongType, at: offset, "\(what) is \(kind); expected \(expected)")
    }

    private var kind: String {
        switch content {
        case .object: "an object"
        case .array: "an array"
        case .string: "a string"
        case .number: "a number"
        case .bool(let value): value ? "true" : "false"
        case .null: "null"
        }
    }

    /// Reads one literal; nil where it is none.
    static func decode<T: Decodable>(_ type: T.Type, _ literal: ArraySlice<UInt8>) -> T? {
        let decoder = JSONDecoder()
        decoder.allowsJSON5 = true
        // FoundationEssentials reads on behind a number that ends the data (swift-foundation #1625),
        // and traps at what it may find there.
        return try? decoder.decode(type, from: Data(literal) + [UInt8(ascii: " ")])
    }

    /// The first string or number that FoundationEssentials does not read.
    var firstUnreadable: Int? {
        switch content {
        case .object(let members): members.lazy.compactMap(\.value.firstUnreadable).first
        case .array(let elements): elements.lazy.compactMap(\.firstUnreadable).first
        case .string(let literal): Self.decode(String.self, literal) == nil ? offset : nil
        case .number(let literal):
            isJSON5Number(literal) && Self.decode(Double.self, literal) != nil ? nil : offset
        case .bool, .null: nil
        }
    }

    /// Whether FoundationEssentials takes a whole text for JSON5.
    static func isJSON5(_ bytes: [UInt8]) -> Bool { decode(Anything.self, bytes[...]) != nil }

    private struct Anything: Decodable {
        init(from decoder: any Decoder) {}
    }
}
