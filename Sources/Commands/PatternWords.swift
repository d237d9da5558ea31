// What a pattern means, in words.
// SPDX-License-Identifier: Apache-2.0

extension Pattern {
    /// What it matches, for people; nil where that would take more words than the pattern is worth.
    var words: String? {
        var reader = PatternWords(text)
        guard let phrase = reader.alternatives(depth: 0), reader.rest.isEmpty,
            phrase.words.count <= PatternWords.longest
        else { return nil }
        return phrase.words
    }
}

/// Puts the text of a pattern that `PatternSyntax` has accepted into words.
private struct PatternWords {
    var rest: Substring.UnicodeScalarView

    init(_ text: String) { rest = text[...].unicodeScalars }

    /// In characters.
    static let longest = 240
    private static let deepest = 3

    struct Phrase {
        let words: String
        /// Whether it has to be in parentheses where one thing is expected.
        let isSequence: Bool
    }

    /// Nil if it is nested too deeply.
    mutating func alternatives(depth: Int) -> Phrase? {
        guard depth <= Self.deepest else { return nil }
        var found: [Phrase] = []
        repeat {
            guard let one = sequence(depth: depth) else { return nil }
            found.append(one)
        } while take("|")
        return Phrase(
            words: Self.list(found.map(\.words), "or"),
            isSequence: found.contains(where: \.isSequence))
    }

    private mutating func sequence(depth: Int) -> Phrase? {
        var parts: [String] = []
        var literal = ""
        func flush() {
            if !literal.isEmpty { parts.append(quoted(literal)) }
            literal = ""
        }
        while let next = rest.first, next != "|", next != ")" {
            if next == "^" || next == "$" {
                rest.removeFirst()
                continue
            }
            guard let atom = atom(depth: depth) else { return nil }
            let times = repetition()
            if case .literal(let scalar) = atom, times == nil {
                literal.unicodeScalars.append(scalar)
                continue
            }
            flush()
            parts.append(atom.words(times))
        }
        flush()
        return Phrase(
            words: parts.isEmpty ? "nothing" : parts.joined(separator: ", then "),
            isSequence: parts.count > 1)
    }

    // MARK: What is repeated

    private enum Atom {
        case literal(Unicode.Scalar)
        /// A character: a name for one of them and for several.
        case character(one: String, several: String)
        case group(Phrase)

        func words(_ times: Times?) -> String {
            let many = times.flatMap { $0.words }
            let isOptional = times != nil && many == nil
            switch self {
            case .literal(let scalar):
                let text = quoted(String(scalar))
                return many.map { "\($0) times \(text)" }
                    ?? (isOptional ? "optionally \(text)" : text)
            case .character(let one, let several):
                return many.map { "\($0) \(several)" } ?? (isOptional ? "optionally \(one)" : one)
            case .group(let phrase):
                let needsNone = times == nil && !phrase.isSequence
                let text = needsNone ? phrase.words : "(\(phrase.words))"
                return many.map { "\($0) times \(text)" }
                    ?? (isOptional ? "optionally \(text)" : text)
            }
        }
    }

    private struct Times {
        let least: Int
        let most: Int?

        /// Nil for something that may be there or not.
        var words: String? {
            switch (least, most) {
            case (0, 1): nil
            case (0, nil): "any number of"
            case (1, nil): "one or more"
            case (_, nil): "at least \(least)"
            case (_, let most?) where least == most: "\(least)"
            case (0, let most?): "up to \(most)"
            case (_, let most?): "\(least) to \(most)"
            }
        }
    }

    private mutating func atom(depth: Int) -> Atom? {
        switch rest.removeFirst() {
        case "(":
            guard let phrase = alternatives(depth: depth + 1), take(")") else { return nil }
            return .group(phrase)
        case "[": return bracket()
        case ".": return .character(one: "any character", several: "characters")
        case "\\": return rest.popFirst().map { .literal($0) }
        case let scalar: return .literal(scalar)
        }
    }

    private mutating func repetition() -> Times? {
        if take("*") { return Times(least: 0, most: nil) }
        if take("+") { return Times(least: 1, most: nil) }
        if take("?") { return Times(least: 0, most: 1) }
        guard take("{") else { return nil }
        let least = number() ?? 0
        let most = take(",") ? number() : least
        _ = take("}")
        return Times(least: least, most: most)
    }

    private mutating func number() -> Int? {
        var digits = ""
        while let next = rest.first, ("0"..."9").contains(next) {
            digits.unicodeScalars.append(next)
            rest.removeFirst()
        }
        return Int(digits)
    }

    // MARK: Brackets

    private mutating func bracket() -> Atom? {
        let isNegated = take("^")
        var classes: [String] = []
        var single: [String] = []
        var only: Unicode.Scalar = "]"
        var isFirst = true
        while let next = rest.first, isFirst || next != "]" {
            isFirst = false
            rest.removeFirst()
            if next == "[", rest.first == ":" {
                let name = String(String.UnicodeScalarView(rest.dropFirst().prefix { $0 != ":" }))
                rest.removeFirst(min(rest.count, name.unicodeScalars.count + 3))
                guard let known = Self.classes[name] else { return nil }
                classes.append(known)
            } else if next == "[", rest.first == "." || rest.first == "=" {
                return nil
            } else if rest.first == "-", let end = rest.dropFirst().first, end != "]" {
                rest.removeFirst(2)
                guard end != "[" else { return nil }
                classes.append(
                    Self.ranges["\(next)-\(end)"]
                        ?? "\(quoted(String(next))) to \(quoted(String(end)))")
            } else {
                // Brackets have a backslash only as two.
                if next == "\\" { _ = take("\\") }
                single.append(quoted(String(next)))
                only = next
            }
        }
        guard take("]") else { return nil }
        if Set(["letters from a to z", "letters from A to Z"]).isSubset(of: classes) {
            classes.removeAll { $0.hasPrefix("letters from ") }
            classes.insert("letters", at: 0)
        }
        let all = Self.list(classes + single, "and")
        if isNegated {
            return .character(
                one: "any character but \(all)", several: "characters other than \(all)")
        }
        if classes.isEmpty, single.count == 1 { return .literal(only) }
        if single.isEmpty, classes.count == 1, let one = Self.singular[all] {
            return .character(one: one, several: all)
        }
        return .character(one: "one character out of \(all)", several: "characters out of \(all)")
    }

    private static let singular = [
        "digits": "a digit", "letters": "a letter", "blanks": "a blank",
        "letters from a to z": "a letter from a to z",
        "letters from A to Z": "a letter from A to Z",
        "hexadecimal digits": "a hexadecimal digit",
        "printable characters": "a printable character",
        "visible characters": "a visible character",
    ]

    /// In the "C" locale, as the pattern is read.
    private static let classes = [
        "digit": "digits", "alpha": "letters", "alnum": "letters and digits",
        "lower": "letters from a to z", "upper": "letters from A to Z", "space": "white space",
        "blank": "blanks", "punct": "punctuation", "xdigit": "hexadecimal digits",
        "print": "printable characters", "graph": "visible characters",
    ]
    private static let ranges = [
        "0-9": "digits", "a-z": "letters from a to z", "A-Z": "letters from A to Z",
    ]

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard rest.first == scalar else { return false }
        rest.removeFirst()
        return true
    }

    private static func list(_ parts: [String], _ word: String) -> String {
        guard let last = parts.last, parts.count > 1 else { return parts.first ?? "" }
        return "\(parts.dropLast().joined(separator: ", ")) \(word) \(last)"
    }
}
