// Writes JSON5 texts that nobody thought of.
// SPDX-License-Identifier: Apache-2.0
@testable import TestSupport

/// Makes texts of every form that JSON5 has and the table takes, and spoils some of them.
struct JSON5Writer {
    var random: SplitMix

    mutating func text() -> String { blanks() + value(depth: 1) + blanks() }

    /// A text with something put in, left out or exchanged.
    mutating func spoiltText() -> String {
        var scalars = Array(text().unicodeScalars)
        for _ in 0...Int.random(in: 0..<2, using: &random) {
            let at = Int.random(in: 0...scalars.count, using: &random)
            let end = min(scalars.count, at + Int.random(in: 0..<3, using: &random))
            let piece = Bool.random(using: &random) ? pick(Self.pieces) : ""
            scalars.replaceSubrange(at..<end, with: piece.unicodeScalars)
        }
        return String(String.UnicodeScalarView(scalars))
    }

    private mutating func value(depth: Int) -> String {
        switch Int.random(in: depth < 4 ? 0..<9 : 2..<9, using: &random) {
        case 0: object(depth: depth)
        case 1: array(depth: depth)
        case 2...4: string()
        case 5...7: number()
        default: pick(["true", "false", "null"])
        }
    }

    private mutating func object(depth: Int) -> String {
        var text = "{" + blanks()
        for index in 0..<Int.random(in: 0..<4, using: &random) {
            // No two alike.
            let name = pick(["a", "é", "_", "$", "Ⅷ", "ключ", "名前", "a٣", "a\u{301}"])
            let key =
                switch Int.random(in: 0..<3, using: &random) {
                case 0: "'\(index)\(body(quote: "'"))'"
                case 1: "\"\(index)\(body(quote: "\""))\""
                default: "\(name)\(index)"
                }
            text += key + blanks() + ":" + blanks() + value(depth: depth + 1) + blanks() + ","
        }
        return close(text, "}")
    }

    private mutating func array(depth: Int) -> String {
        var text = "[" + blanks()
        for _ in 0..<Int.random(in: 0..<4, using: &random) {
            text += value(depth: depth + 1) + blanks() + ","
        }
        return close(text, "]")
    }

    private mutating func close(_ text: String, _ sign: String) -> String {
        let isTrailing = text.hasSuffix(",") && Bool.random(using: &random)
        return (isTrailing || !text.hasSuffix(",") ? text : String(text.dropLast())) + blanks()
            + sign
    }

    private mutating func string() -> String {
        let quote = pick(["'", "\""])
        return quote + body(quote: quote) + quote
    }

    private mutating func body(quote: String) -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0..<5, using: &random) {
            switch Int.random(in: 0..<4, using: &random) {
            case 0: text += pick(["\\\\", "\\/", "\\\"", "\\'", "\\b", "\\f", "\\n", "\\r", "\\t"])
            case 1: text += "\\x" + hexadecimal(2)
            case 2: text += Bool.random(using: &random) ? "\\u" + hexadecimal(4) : pair()
            default:
                text += pick([
                    "a", "é", "😀", "\u{2028}", "\u{7f}", "//", "{", quote == "'" ? "\"" : "'",
                ])
            }
        }
        return text
    }

    private mutating func pair() -> String {
        let lead = String(UInt16.random(in: 0xd800...0xdbff, using: &random), radix: 16)
        let trail = String(UInt16.random(in: 0xdc00...0xdfff, using: &random), radix: 16)
        return "\\u\(lead)\\u\(trail.uppercased())"
    }

    /// As an escape has them: not all zero, and no half of a pair.
    private mutating func hexadecimal(_ count: Int) -> String {
        "0" + (1..<count - 1).map { _ in pick(Self.hexadecimalDigits) }.joined()
            + pick(Self.hexadecimalDigits.filter { $0 != "0" })
    }

    private mutating func number() -> String {
        let sign = pick(["", "", "+", "-"])
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return sign + pick(["Infinity", "NaN"])
        // As many digits as a Double holds.
        case 1:
            return sign + pick(["0x", "0X"]) + hexadecimal(Int.random(in: 2..<13, using: &random))
        case 2: return sign + "." + digits(1..<20) + exponent()
        case 3: return sign + "0" + pick(["", ".", ".0", "." + digits(1..<20)])
        default:
            let whole = String(Int.random(in: 1...9, using: &random)) + digits(0..<20)
            return sign + whole + pick(["", ".", "." + digits(1..<20)]) + exponent()
        }
    }

    private mutating func exponent() -> String {
        guard Bool.random(using: &random) else { return "" }
        return pick(["e", "E"]) + pick(["", "+", "-"]) + digits(1..<4)
    }

    private mutating func digits(_ count: Range<Int>) -> String {
        (0..<Int.random(in: count, using: &random)).map { _ in
            String(Int.random(in: 0...9, using: &random))
        }.joined()
    }

    private mutating func blanks() -> String {
        pick([
            "", "", "", " ", "\t", "\n", "\r\n", "\u{b}", "\u{c}", "/**/", "/* é * / */", "// x\n",
        ])
    }

    private mutating func pick(_ some: [String]) -> String { some.randomElement(using: &random)! }

    private static let hexadecimalDigits = "0123456789abcdefABCDEF".map { String($0) }
    private static let pieces = [
        "{", "}", "[", "]", ":", ",", "'", "\"", "\\", "\\u", "\\x", "\\ud800", "\\udc00", "\\q",
        "\\0", "\\v", "\\u0000", "/", "*", "/*", "null", "tru", "a", "_", "$", "é", "-", "+", ".",
        "0",
        "1", "e", "E-", "1e+", "0x", "1e999", "1e-999", "Infinity", "NaN", "\t", "\u{a0}",
        "\u{301}",
        "\u{feff}",
    ]
}
