// A bracket expression of a pattern.
// SPDX-License-Identifier: Apache-2.0

/// Reads what is between `[` and `]`. There, a backslash is literal in POSIX and begins an escape
/// everywhere else, so it is accepted only where both mean the same.
struct PatternBracket {
    /// What it matches: one whole character of any of these.
    let sets: [ScalarSet]

    /// - Parameter rest: begins after the `[`; afterwards, after the `]`.
    init(_ rest: inout ArraySlice<Unicode.Scalar>) throws(PatternFault) {
        var isNegated = false
        if rest.first == "^" {
            rest.removeFirst()
            isNegated = true
        }
        var ranges: [ClosedRange<UInt32>] = []
        var isFirst = true
        while isFirst || rest.first != "]" {
            if !isFirst, rest.first == "-", rest.count > 1, rest.dropFirst().first != "]" {
                throw .init(
                    sentence:
                        "it has a - between other characters in brackets; expected it first or last"
                )
            }
            isFirst = false
            switch try Self.element(&rest) {
            case .named(let members):
                ranges += members
            case .one(let low):
                let end = rest.dropFirst()
                guard rest.first == "-", !end.isEmpty, end.first != "]" else {
                    ranges.append(low.value...low.value)
                    continue
                }
                rest = end
                ranges.append(try Self.range(from: low, to: try Self.element(&rest)))
            }
        }
        rest.removeFirst()
        sets = ScalarSet.union(isNegated ? ScalarSet.complement(ranges) : ranges)
    }

    private enum Element {
        case one(Unicode.Scalar)
        case named([ClosedRange<UInt32>])
    }

    private static func element(
        _ rest: inout ArraySlice<Unicode.Scalar>
    ) throws(PatternFault) -> Element {
        guard let scalar = rest.popFirst() else { throw unclosed }
        if scalar == "\\" {
            guard rest.popFirst() == "\\" else { throw backslash }
            return .one(scalar)
        }
        guard scalar == "[", let mark = rest.first else { return .one(scalar) }
        switch mark {
        case ".", "=":
            throw .init(
                sentence:
                    "it has [\(mark) in brackets, which is not supported; expected a [ only as the last character there"
            )
        case ":":
            let name = rest.dropFirst().prefix { $0 != ":" && $0 != "]" }
            rest = rest.dropFirst(name.count + 1)
            guard rest.popFirst() == ":", rest.popFirst() == "]",
                let members = classes[String(String.UnicodeScalarView(name))]
            else {
                let names = classes.keys.sorted().joined(separator: ", ")
                throw .init(
                    sentence:
                        "it has [: in brackets without a class name and :] after it; expected one of \(names)"
                )
            }
            return .named(members)
        default:
            return .one(scalar)
        }
    }

    private static func range(
        from low: Unicode.Scalar, to end: Element
    ) throws(PatternFault) -> ClosedRange<UInt32> {
        guard case .one(let high) = end else {
            throw .init(
                sentence: "it has a range in brackets that ends in a class; expected a character")
        }
        guard low.value <= high.value else {
            throw .init(
                sentence:
                    "it has a range in brackets that runs backwards; expected the lower character first"
            )
        }
        return low.value...high.value
    }

    private static let backslash = PatternFault(
        sentence:
            "it has a backslash in brackets, where nothing needs one: write a class as in [[:digit:]_], a ] first and a - last; expected two in a row for a backslash"
    )
    private static let unclosed = PatternFault(
        sentence: "it has a [ without a ]; expected \\[ for the character")

    /// As in the C locale.
    private static let classes: [String: [ClosedRange<UInt32>]] = [
        "alnum": [0x30...0x39, 0x41...0x5a, 0x61...0x7a],
        "alpha": [0x41...0x5a, 0x61...0x7a],
        "blank": [0x09...0x09, 0x20...0x20],
        "cntrl": [0x00...0x1f, 0x7f...0x7f],
        "digit": [0x30...0x39],
        "graph": [0x21...0x7e],
        "lower": [0x61...0x7a],
        "print": [0x20...0x7e],
        "punct": [0x21...0x2f, 0x3a...0x40, 0x5b...0x60, 0x7b...0x7e],
        "space": [0x09...0x0d, 0x20...0x20],
        "upper": [0x41...0x5a],
        "xdigit": [0x30...0x39, 0x41...0x46, 0x61...0x66],
    ]
}
