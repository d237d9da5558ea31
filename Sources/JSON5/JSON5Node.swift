// A value of a JSON5 text, with its place.
// SPDX-License-Identifier: Apache-2.0

/// What the scanner found.
package struct JSON5Node {
    package struct Member {
        package let key: String
        /// The key's first byte.
        package let offset: Int
        package let value: JSON5Node
    }

    package enum Content {
        case object([Member])
        case array([JSON5Node])
        /// Nil if it can't be read, which is a mistake once it is asked for.
        case string(String?)
        /// Nil in the same cases as a string.
        case number(Double?)
        case bool(Bool)
        case null
    }

    /// The value's first byte.
    package let offset: Int
    package let content: Content

    /// - Parameters:
    ///   - what: the value's name in a sentence, such as `'run'`.
    ///   - expected: what the whole value should be, such as `an array of strings`.
    package func object(_ what: String, _ expected: String) throws(Mistake) -> [Member] {
        guard case .object(let members) = content else { throw wrongType(what, expected) }
        return members
    }

    package func array(_ what: String, _ expected: String) throws(Mistake) -> [JSON5Node] {
        guard case .array(let elements) = content else { throw wrongType(what, expected) }
        return elements
    }

    package func bool(_ what: String) throws(Mistake) -> Bool {
        guard case .bool(let value) = content else { throw wrongType(what, "true or false") }
        return value
    }

    package func string(_ what: String, _ expected: String) throws(Mistake) -> String {
        guard case .string(let value) = content else { throw wrongType(what, expected) }
        guard let value else { throw Self.unreadable(what, at: offset) }
        return value
    }

    package func number(_ what: String, _ expected: String) throws(Mistake) -> Double {
        guard case .number(let value) = content else { throw wrongType(what, expected) }
        guard let value else {
            throw Mistake(
                .syntax, at: offset, "\(what) is a number that cannot be read; expected \(expected)"
            )
        }
        return value
    }

    /// A string that has no value: it has another escape than these, or a literal tab.
    static func unreadable(_ what: String, at offset: Int) -> Mistake {
        Mistake(
            .syntax, at: offset,
            "\(what) is a string that cannot be read; escapes are \\\\ \\/ \\\" \\' \\b \\f \\n \\r \\t, \\xHH and \\uHHHH"
        )
    }

    package func wrongType(_ what: String, _ expected: String) -> Mistake {
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
}
