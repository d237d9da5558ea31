// Every escape of a JSON5 string, and what is not one.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import JSON5

@Suite(.timeLimit(.minutes(1)))
struct JSON5StringTests {
    @Test(
        arguments: [
            ("\\", "\\"), ("/", "/"), ("\"", "\""), ("'", "'"), ("b", "\u{8}"), ("f", "\u{c}"),
            ("n", "\n"),
            ("r", "\r"), ("t", "\t"), ("x41", "A"), ("xe9", "é"), ("xE9", "é"), ("xfF", "ÿ"),
            ("u0041", "A"),
            ("u00e9", "é"), ("u20AC", "€"), ("uffff", "\u{ffff}"), ("ud83d\\ude00", "😀"),
            ("uD800\\uDC00", "\u{10000}"), ("udbff\\udfff", "\u{10ffff}"),
        ])
    func escape_isRead(escape: String, character: String) {
        for quote in ["'", "\""] {
            #expect(
                JSON5Value.read("\(quote)a\\\(escape)b\(quote)") == .init("a\(character)b"))
            #expect(
                JSON5Value.read("{\(quote)\\\(escape)\(quote):1}")
                    == .object([Array(character.utf8): .init(1)]))
        }
    }

    @Test func character_isNotEscaped_whereItHasNoMeaning() {
        for scalar in (0x20...0x7e).map({ Unicode.Scalar(UInt8($0)) }) + [
            "\u{a0}", "é", "\u{2028}", "😀",
        ] {
            let isKnown = "\\/\"'bfnrt".unicodeScalars.contains(scalar)
            #expect((JSON5Value.read("'\\\(scalar)' ") != nil) == isKnown, "\(scalar)")
        }
        // A tab does not look different from other blanks.
        #expect(JSON5Value.read("'\\\t'") == nil)
        #expect(JSON5Value.read("'\t'") == nil)
    }

    @Test func everyUnit_isReadOrRefused_byItsEscape() {
        for unit in UInt16.min...UInt16.max {
            let digits = String(unit, radix: 16)
            let text = "'\\u" + String(repeating: "0", count: 4 - digits.count) + digits + "'"
            // A NUL ends a text for the kernel; halves of pairs are not characters.
            let scalar = unit == 0 ? nil : Unicode.Scalar(unit)
            #expect(JSON5Value.read(text) == scalar.map { JSON5Value(String($0)) }, "\(text)")
        }
    }

    @Test func controlCharacter_isRefused_inAString() {
        for scalar in (1..<0x20).map({ Unicode.Scalar(UInt8($0)) }) {
            #expect(JSON5Value.read("'a\(scalar)b'") == nil, "\(scalar.value)")
            #expect(JSON5Value.read("{'a\(scalar)b':1}") == nil, "\(scalar.value)")
        }
    }

    @Test func string_endsAtItsOwnQuoteOnly() {
        #expect(JSON5Value.read(#"'a"b'"#) == .init("a\"b"))
        #expect(JSON5Value.read(#""a'b""#) == .init("a'b"))
        #expect(JSON5Value.read(#"'\\\''"#) == .init(#"\'"#))
        #expect(JSON5Value.read(#"'\\\\'"#) == .init(#"\\"#))
        #expect(JSON5Value.read(#"'\\\\''"#) == nil)
    }
}
