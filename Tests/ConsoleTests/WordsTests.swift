// A line's words.
// SPDX-License-Identifier: Apache-2.0
import Console
import Testing

@Suite
struct WordsTests {
    @Test(
        arguments: [
            ("uptime", ["uptime"]), ("  disk \t /home  ", ["disk", "/home"]),
            ("say 'two words' \"and 'more'\"", ["say", "two words", "and 'more'"]),
            ("a '' b", ["a", "", "b"]), ("a b\\ c", ["a", "b c"]), ("a\\'b", ["a'b"]),
            ("\"a\\\"b\\\\c\\d\"", ["a\"b\\c\\d"]), ("'a\\b'", ["a\\b"]), ("x'y'\"z\"", ["xyz"]),
            ("$HOME `id` *", ["$HOME", "`id`", "*"]), ("", []), ("ü 'ö ä'", ["ü", "ö ä"]),
            ("a \u{301}b", ["a", "\u{301}b"]),
            (#"say $'one\ntwo'"#, ["say", "one\ntwo"]),
            (
                #"a $'\t\r\a\b\e\f\v\\\'\"'"#,
                ["a", "\t\r\u{7}\u{8}\u{1b}\u{c}\u{b}\\'\""]
            ),
            (#"a $'\x41\u20ac' $'' x$'\n'y"#, ["a", "A€", "", "x\ny"]),
            (#"a "$'x'" '$' $ $x \$'y'"#, ["a", "$'x'", "$", "$", "$x", "$y"]),
        ] as [(String, [String])])
    func line_isCutAsAShellWould_andNothingIsExpanded(line: String, expected: [String]) throws {
        #expect(try words(of: line) == expected)
    }

    @Test(
        arguments: [
            "'\u{301} a b' 'x", "a 'b", "a \"b", "a \\", "'", "\"\\\"", "a $'", #"a $'\'"#,
            #"a $'\"#,
            #"$'\q'"#, #"$'\x4'"#, #"$'\x80'"#, #"$'\x00'"#, #"$'\u12'"#, #"$'\ud800'"#,
            #"$'\u0000'"#,
            #"$'\x"#, #"$'\u00e"#,
        ])
    func quoteWithoutItsEnd_orAnUnknownEscape_isAnError(line: String) {
        #expect(throws: UsageError.self) { try words(of: line) }
    }
}
