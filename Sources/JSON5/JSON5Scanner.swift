// Reads a JSON5 text.
// SPDX-License-Identifier: Apache-2.0

/// Scans a text once and returns its values with their positions. It accepts what all readers of
/// JSON5 treat alike: duplicate keys, of which most readers use the last, are a mistake here.
package struct JSON5Scanner {
    private var cursor: JSON5Cursor
    /// The first name, string or number that can't be read.
    private var unreadable: Int?
    /// Whether any of them is malformed.
    private var isMalformed = false

    /// - Throws: `syntax`, `tooDeep`, `duplicateKey`.
    package static func read(_ text: String) throws(Mistake) -> JSON5Node {
        let bytes = Array(text.utf8)
        if let zero = bytes.firstIndex(of: 0) {
            throw Mistake(.syntax, at: zero, "the text contains a NUL byte; expected JSON5")
        }
        var scanner = JSON5Scanner(cursor: JSON5Cursor(bytes, at: TextPlace.markLength(bytes)))
        let node = try scanner.document()
        // Reported last: if a quote or a comma is missing, that is what to fix first.
        if scanner.isMalformed, let unreadable = scanner.unreadable {
            throw Mistake(
                .syntax, at: unreadable,
                "a name, string or number cannot be read; expected valid JSON5")
        }
        return node
    }

    private init(cursor: JSON5Cursor) { self.cursor = cursor }

    private mutating func document() throws(Mistake) -> JSON5Node {
        try cursor.skipBlanks()
        let node = try value(depth: 1)
        try cursor.skipBlanks()
        guard cursor.next == nil else { throw cursor.unexpected("the end of the file") }
        return node
    }

    private mutating func value(depth: Int) throws(Mistake) -> JSON5Node {
        let start = cursor.at
        let isContainer = cursor.next == UInt8(ascii: "{") || cursor.next == UInt8(ascii: "[")
        // Each level is a call: without a limit a file could end the process.
        guard depth <= Self.depthLimit || !isContainer else {
            throw Mistake(
                .tooDeep, at: start,
                "objects and arrays are nested too deeply; expected at most \(Self.depthLimit) levels"
            )
        }
        let content: JSON5Node.Content
        switch cursor.next {
        case UInt8(ascii: "{"): content = .object(try members(depth: depth))
        case UInt8(ascii: "["): content = .array(try elements(depth: depth))
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
            content = .string(note(try JSON5String.read(&cursor), at: start))
        default: content = try word()
        }
        return JSON5Node(offset: start, content: content)
    }

    private mutating func members(depth: Int) throws(Mistake) -> [JSON5Node.Member] {
        var members: [JSON5Node.Member] = []
        // As Swift compares them: names that differ only to a machine are equal.
        var keys: Set<String> = []
        cursor.skip()
        while true {
            try cursor.skipBlanks()
            if cursor.take("}") { return members }
            let start = cursor.at
            let key = try self.key()
            guard keys.insert(key).inserted else {
                throw Mistake(
                    .duplicateKey, at: start,
                    "the key \(quoted(key)) appears twice in one object; expected each key once")
            }
            try cursor.skipBlanks()
            guard cursor.take(":") else {
                throw cursor.unexpected("a colon after the key \(quoted(key))")
            }
            try cursor.skipBlanks()
            members.append(.init(key: key, offset: start, value: try value(depth: depth + 1)))
            try cursor.skipBlanks()
            guard cursor.take(",") || cursor.next == UInt8(ascii: "}") else {
                throw cursor.unexpected("a comma, or } to end the object")
            }
        }
    }

    private mutating func elements(depth: Int) throws(Mistake) -> [JSON5Node] {
        var elements: [JSON5Node] = []
        cursor.skip()
        while true {
            try cursor.skipBlanks()
            if cursor.take("]") { return elements }
            elements.append(try value(depth: depth + 1))
            try cursor.skipBlanks()
            guard cursor.take(",") || cursor.next == UInt8(ascii: "]") else {
                throw cursor.unexpected("a comma, or ] to end the array")
            }
        }
    }

    private mutating func key() throws(Mistake) -> String {
        let start = cursor.at
        if cursor.next == UInt8(ascii: "\"") || cursor.next == UInt8(ascii: "'") {
            guard case .value(let key) = try JSON5String.read(&cursor) else {
                throw JSON5Node.unreadable("a key", at: start)
            }
            return key
        }
        let name = try JSON5Name(&cursor)
        let literal = name.isPlain ? JSON5Literal.value(name.text) : .malformed
        _ = note(literal, at: start)
        return name.text
    }

    private mutating func word() throws(Mistake) -> JSON5Node.Content {
        let start = cursor
        cursor.skip(while: \.isWord)
        let word = cursor.bytes[start.at..<cursor.at]
        switch String(decoding: word, as: UTF8.self) {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "null": return .null
        case let text where text == "Infinity" || text == "NaN" || word.first?.beginsNumber == true:
            return .number(note(JSON5Number.read(word), at: start.at))
        default: throw start.unexpected("a value")
        }
    }

    /// The value of a literal, or nil if it has none.
    private mutating func note<Value>(_ literal: JSON5Literal<Value>, at offset: Int) -> Value? {
        switch literal {
        case .value(let value): return value
        case .unreadable: break
        case .malformed: isMalformed = true
        }
        unreadable = unreadable ?? offset
        return nil
    }

    /// A command table needs six.
    private static let depthLimit = 32
}
