// Reads the text of a pattern.
// SPDX-License-Identifier: Apache-2.0

/// Turns a POSIX extended regular expression into code. What POSIX leaves undefined is rejected,
/// since other programs give it other meanings.
struct PatternSyntax {
    /// What is between two bars.
    struct Alternative {
        var code = PatternCode()
        /// Whether its text begins with `-`, `\-` or `[-`.
        let namesDash: Bool
        /// What is in the parentheses that enclose all of it; nil if none do.
        fileprivate(set) var enclosed: [Alternative]?
    }

    /// Those outside all parentheses, except for parentheses that enclose everything.
    private(set) var alternatives: [Alternative] = []
    /// The sets that the code takes characters from.
    private(set) var sets: [ScalarSet] = []
    private var indices: [ScalarSet: Int16] = [:]
    private var rest: ArraySlice<Unicode.Scalar>

    init(_ text: String) throws(PatternFault) {
        guard text.utf8.count <= Self.lengthLimit else {
            throw PatternFault(
                sentence: "it is too long; expected at most \(Self.lengthLimit) bytes")
        }
        rest = Array(text.unicodeScalars)[...]
        alternatives = try readAlternatives(depth: 0)
        // Only a parenthesis ends them before the text does.
        guard rest.isEmpty else {
            throw PatternFault(sentence: "it has a ) without a (; expected \\) for the character")
        }
        while alternatives.count == 1, let inner = alternatives[0].enclosed {
            alternatives = inner
        }
    }

    private mutating func readAlternatives(depth: Int) throws(PatternFault) -> [Alternative] {
        var alternatives = [try readAlternative(depth: depth)]
        while take("|") { alternatives.append(try readAlternative(depth: depth)) }
        return alternatives
    }

    private mutating func readAlternative(depth: Int) throws(PatternFault) -> Alternative {
        var alternative = Alternative(
            namesDash: ["-", "\\-", "[-"].contains { rest.starts(with: $0.unicodeScalars) })
        var isFirst = true
        if take("^") {
            try alternative.code.append(PatternCode([.start]))
            isFirst = false
        }
        while !isAtEnd {
            var (code, group) = try readAtom(depth: depth)
            if let times = try readRepetition() {
                code = try code.repeated(times)
                group = nil
                guard try readRepetition() == nil else {
                    throw PatternFault(
                        sentence:
                            "it repeats a repetition; expected parentheses around the first one")
                }
            }
            try alternative.code.append(code)
            alternative.enclosed = isFirst ? group : nil
            isFirst = false
        }
        return alternative
    }

    /// - Returns: its code, and the alternatives if it is a group.
    private mutating func readAtom(
        depth: Int
    ) throws(PatternFault) -> (code: PatternCode, group: [Alternative]?) {
        guard try readRepetition() == nil else {
            throw PatternFault(
                sentence: "it repeats nothing; expected something before the repetition")
        }
        let scalar = rest.removeFirst()
        switch scalar {
        case "(":
            guard depth < Self.depthLimit else {
                throw PatternFault(
                    sentence:
                        "its parentheses are nested too deeply; expected at most \(Self.depthLimit) levels"
                )
            }
            let group = try readAlternatives(depth: depth + 1)
            guard take(")") else {
                throw PatternFault(
                    sentence: "it has a ( without a ); expected \\( for the character")
            }
            return (try PatternCode.anyOf(group.map(\.code)), group)
        case "[":
            let parts = try PatternBracket(&rest).sets.map { code(taking: $0) }
            return (try PatternCode.anyOf(parts), nil)
        case ".": return (code(taking: .any), nil)
        case "\\": return (code(taking: ScalarSet(try readEscaped())), nil)
        case "$" where isAtEnd: return (PatternCode([.end]), nil)
        case "$":
            throw PatternFault(
                sentence: "it has a $ before its end; expected \\$ for the character")
        case "^":
            throw PatternFault(
                sentence: "it has a ^ after its start; expected \\^ for the character")
        default: return (code(taking: ScalarSet(scalar)), nil)
        }
    }

    private mutating func readEscaped() throws(PatternFault) -> Unicode.Scalar {
        guard let scalar = rest.popFirst() else {
            throw PatternFault(
                sentence: "it ends with a backslash; expected \\\\ for the character")
        }
        switch scalar {
        case "!"..."/", ":"..."@", "["..."`", "{"..."~": return scalar
        case "0"..."9", "A"..."Z", "a"..."z":
            throw PatternFault(
                sentence:
                    "it has a backslash before a letter or a digit, which has no meaning here; expected a class such as [0-9] or [[:space:]]"
            )
        default:
            throw PatternFault(
                sentence:
                    "it has a backslash before a character that is not punctuation; expected the character alone"
            )
        }
    }

    /// Reads `*`, `+`, `?`, `{m}`, `{m,}` or `{m,n}`.
    ///
    /// - Returns: nil if none of them comes next.
    private mutating func readRepetition() throws(PatternFault) -> PatternCode.Repetition? {
        if take("*") { return .init(least: 0, most: nil) }
        if take("+") { return .init(least: 1, most: nil) }
        if take("?") { return .init(least: 0, most: 1) }
        guard take("{") else { return nil }
        let noRepetition = PatternFault(
            sentence:
                "it has a { that does not begin a repetition such as {2}, {2,} or {2,9}; expected \\{ for the character"
        )
        guard let least = readNumber() else { throw noRepetition }
        var most: Int? = least
        if take(",") { most = readNumber() }
        guard take("}") else { throw noRepetition }
        guard max(least, most ?? 0) <= PatternCode.Repetition.limit else {
            throw PatternFault(
                sentence:
                    "it repeats something too often; expected at most \(PatternCode.Repetition.limit) times"
            )
        }
        guard least <= most ?? least else {
            throw PatternFault(
                sentence:
                    "it has a repetition whose limits are out of order; expected the lower one first"
            )
        }
        return .init(least: least, most: most)
    }

    /// Any number above the limit is read as one above it.
    private mutating func readNumber() -> Int? {
        var number: Int?
        while let scalar = rest.first, ("0"..."9").contains(scalar) {
            rest.removeFirst()
            let digit = Int(scalar.value) - 0x30
            number = min((number ?? 0) * 10 + digit, PatternCode.Repetition.limit + 1)
        }
        return number
    }

    /// Whether the alternative ends here.
    private var isAtEnd: Bool { rest.first.map { $0 == "|" || $0 == ")" } ?? true }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard rest.first == scalar else { return false }
        rest.removeFirst()
        return true
    }

    /// A pattern has fewer sets than bytes.
    private mutating func code(taking set: ScalarSet) -> PatternCode {
        let index = indices[set] ?? Int16(sets.count)
        if index == sets.count {
            indices[set] = index
            sets.append(set)
        }
        return PatternCode([.take(index)])
    }

    private static let lengthLimit = 1_023
    /// The reader recurses for each level.
    private static let depthLimit = 32
}
