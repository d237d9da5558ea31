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

@Suite
struct JSONLineTests {
    @Test func fields_standInTheirOrder() {
        var line = JSONLine()
        line.add("a", "x")
        line.add("b", 7)
        line.add("c", ["y", "z"])
        line.add("d", ["open", "geheim"]) { $0 == 1 }
        line.add("e", nanoseconds: 1_000_042_000)
        #expect(
            String(decoding: line.line, as: UTF8.self)
                == #"{"a":"x","b":7,"c":["y","z"],"d":["open",6],"e":1.000042}"# + "\n")
    }

    @Test func hostileText_canNeitherEndTheLine_norReachATerminalRaw() {
        var line = JSONLine()
        line.add("a", "\"\\\n\r\u{1b}[2J\u{7f}\u{85}\u{202e}ü😀\0")
        #expect(
            String(decoding: line.line, as: UTF8.self)
                == #"{"a":"\"\\\u000a\u000d\u001b[2J\u007f\u0085\u202e\u00fc\ud83d\ude00\u0000"}"#
                + "\n")
    }

    @Test func fieldsOfAnother_areAddedBehind() {
        var shared = JSONLine()
        shared.add("session", 1)
        var line = JSONLine()
        line.add("event", "x")
        line.add(shared)
        line.add(JSONLine())
        #expect(String(decoding: line.line, as: UTF8.self) == #"{"event":"x","session":1}"# + "\n")
    }
}
