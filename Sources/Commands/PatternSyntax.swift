// The outer shape of a regular expression.
// SPDX-License-Identifier: Apache-2.0

/// What glibc does not tell of an extended expression, or would let pass.
struct PatternSyntax {
    struct Fault: Error {
        /// What is wrong; what was expected.
        let sentence: String
    }

    /// What stands between the bars outside of all parentheses, but for such as enclose the whole.
    let alternatives: [String]

    init(_ text: String) throws(Fault) {
        let bytes = Array(text.utf8)
        guard bytes.count <= Self.lengthLimit else {
            throw Fault(sentence: "it is too long; expected at most \(Self.lengthLimit) bytes")
        }
        let tokens = Self.tokens(bytes)
        try Self.check(tokens)
        alternatives = Self.alternatives(tokens[...]).map {
            String(decoding: bytes[$0], as: UTF8.self)
        }
    }

    private enum Kind: Equatable {
        case open, close, bar, reference
        case atom(canBeEmpty: Bool)
        /// How many copies of the atom before it glibc makes, and whether none will do.
        case copies(Int, mayBeNone: Bool)
    }

    private typealias Token = (kind: Kind, range: Range<Int>)

    private static func tokens(_ bytes: [UInt8]) -> [Token] {
        var tokens: [Token] = []
        var start = 0
        while start < bytes.count {
            var end = start + 1
            let kind: Kind
            switch bytes[start] {
            case UInt8(ascii: "("): kind = .open
            case UInt8(ascii: ")"): kind = .close
            case UInt8(ascii: "|"): kind = .bar
            case UInt8(ascii: "*"), UInt8(ascii: "?"): kind = .copies(1, mayBeNone: true)
            // One that must be there, and one that may repeat.
            case UInt8(ascii: "+"): kind = .copies(2, mayBeNone: false)
            case UInt8(ascii: "{"):
                let inside = bytes[end...].prefix { $0 != UInt8(ascii: "}") }
                end = min(inside.endIndex + 1, bytes.count)
                let limits = inside.split(separator: UInt8(ascii: ","))
                let most = limits.last.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 1
                let isFixed = inside.first.map { $0 > 0x30 && $0 <= 0x39 } ?? false
                kind = .copies(min(max(most, 1), positionLimit) + 1, mayBeNone: !isFixed)
            case UInt8(ascii: "\\"):
                let escape = end < bytes.count ? bytes[end] : 0
                end = min(end + 1, bytes.count)
                let isPlace = "bB<>`'".utf8.contains(escape)
                kind = (0x31...0x39).contains(escape) ? .reference : .atom(canBeEmpty: isPlace)
            case UInt8(ascii: "["):
                end = bracketEnd(bytes, start)
                kind = .atom(canBeEmpty: false)
            case UInt8(ascii: "^"), UInt8(ascii: "$"): kind = .atom(canBeEmpty: true)
            default: kind = .atom(canBeEmpty: false)
            }
            tokens.append((kind, start..<end))
            start = end
        }
        return tokens
    }

    /// Behind a bracket expression, in which a backslash, a bar and a parenthesis are themselves.
    private static func bracketEnd(_ bytes: [UInt8], _ start: Int) -> Int {
        var at = start + 1
        if at < bytes.count, bytes[at] == UInt8(ascii: "^") { at += 1 }
        if at < bytes.count, bytes[at] == UInt8(ascii: "]") { at += 1 }
        while at < bytes.count {
            if bytes[at] == UInt8(ascii: "]") { return at + 1 }
            // [:alpha:], [.-.] and [=e=] may contain a bracket.
            if bytes[at] == UInt8(ascii: "["), at + 1 < bytes.count,
                ":.=".utf8.contains(bytes[at + 1])
            {
                let mark = bytes[at + 1]
                var end = at + 2
                while end + 1 < bytes.count,
                    bytes[end] != mark || bytes[end + 1] != UInt8(ascii: "]")
                {
                    end += 1
                }
                at = end + 1
            }
            at += 1
        }
        return bytes.count
    }

    /// What is open, from its parenthesis to here.
    private struct Group {
        var positions = 0
        var canBeEmpty = false
        var isEmptySoFar = true

        mutating func add(_ atom: (positions: Int, canBeEmpty: Bool)) {
            positions += atom.positions
            isEmptySoFar = isEmptySoFar && atom.canBeEmpty
        }
    }

    private static func check(_ tokens: [Token]) throws(Fault) {
        var open = [Group()]
        var last = (positions: 0, canBeEmpty: true)
        var repeatedEmpty = 0
        for token in tokens {
            switch token.kind {
            case .reference:
                throw Fault(
                    sentence:
                        "it refers back to a group, which can take for ever; expected no backslash before a digit"
                )
            case .open:
                open[open.count - 1].add(last)
                last = (0, true)
                open.append(Group())
                guard open.count <= depthLimit else {
                    throw Fault(
                        sentence:
                            "its parentheses are nested too deeply; expected at most \(depthLimit - 1) levels"
                    )
                }
            case .close:
                // glibc takes it for itself, and then it would close the group around the whole.
                guard open.count > 1 else {
                    throw Fault(sentence: "it has a ) without a (; expected \\) for the character")
                }
                var group = open.removeLast()
                group.add(last)
                last = (group.positions + 1, group.canBeEmpty || group.isEmptySoFar)
            case .bar:
                open[open.count - 1].add(last)
                open[open.count - 1].positions += 1
                last = (0, true)
                if open[open.count - 1].isEmptySoFar { open[open.count - 1].canBeEmpty = true }
                open[open.count - 1].isEmptySoFar = true
            case .atom(let canBeEmpty):
                open[open.count - 1].add(last)
                last = (1, canBeEmpty)
            case .copies(let count, let mayBeNone):
                guard last.positions > 0 else {
                    throw Fault(
                        sentence: "it repeats nothing; expected something before the repetition")
                }
                if last.canBeEmpty { repeatedEmpty += last.positions * count }
                guard repeatedEmpty <= emptyLimit else {
                    throw Fault(
                        sentence:
                            "it repeats what can be empty, which can take for ever; expected a repeated group that matches something"
                    )
                }
                last = (last.positions * count, last.canBeEmpty || mayBeNone)
            }
            guard open[open.count - 1].positions + last.positions <= positionLimit else {
                throw Fault(
                    sentence:
                        "its repetitions multiply to too many places; expected at most \(positionLimit)"
                )
            }
        }
    }

    /// The ranges of the alternatives in tokens that are balanced.
    private static func alternatives(_ tokens: ArraySlice<Token>) -> [Range<Int>] {
        var tokens = tokens
        while isEnclosed(tokens) { tokens = tokens.dropFirst().dropLast() }
        guard let first = tokens.first, let last = tokens.last else { return [0..<0] }
        var ranges: [Range<Int>] = []
        var (start, depth) = (first.range.lowerBound, 0)
        for token in tokens {
            if token.kind == .open { depth += 1 }
            if token.kind == .close { depth -= 1 }
            guard token.kind == .bar, depth == 0 else { continue }
            ranges.append(start..<token.range.lowerBound)
            start = token.range.upperBound
        }
        return ranges + [start..<last.range.upperBound]
    }

    private static func isEnclosed(_ tokens: ArraySlice<Token>) -> Bool {
        guard tokens.count > 1, tokens.first?.kind == .open else { return false }
        var depth = 0
        for index in tokens.indices {
            if tokens[index].kind == .open { depth += 1 }
            if tokens[index].kind == .close { depth -= 1 }
            if depth == 0 { return index == tokens.endIndex - 1 }
        }
        return false
    }

    private static let lengthLimit = 1_023
    /// glibc's parser calls itself for each level.
    private static let depthLimit = 33
    /// glibc writes repetitions out, and may then keep all places for each: 1,200 take megabytes,
    /// and at worst seconds for the longest value; a nest of them would take all memory. Sixteen
    /// times a label of 63 characters fits.
    private static let positionLimit = 1_200
    /// Compiling `((a*)*){20}` takes a second, and each further repetition twice as long.
    private static let emptyLimit = 32
}
