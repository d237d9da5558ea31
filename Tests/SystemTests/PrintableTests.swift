import System
// What reaches a terminal or a log line of a text from a stranger.
// SPDX-License-Identifier: Apache-2.0
import Testing

@Suite struct PrintableTests {
    @Test(arguments: [
        ("", ""), ("plain text", "plain text"),
        ("\u{fc}\u{4e2d}\u{1f600}", "\u{fc}\u{4e2d}\u{1f600}"),
        ("a\nb", "a\\x0ab"), ("a\r\nb", "a\\x0d\\x0ab"), ("a\tb", "a\\x09b"), ("\0", "\\x00"),
        ("\u{1b}[2J", "\\x1b[2J"), ("\u{7f}", "\\x7f"), ("\u{9b}31m", "\\x9b31m"),
        // Lines and directions that no ASCII control makes.
        ("a\u{2028}b\u{2029}c", "a\\u{2028}b\\u{2029}c"), ("a\u{202e}b", "a\\u{202e}b"),
        ("a\u{200b}b", "a\\u{200b}b"), ("\u{feff}a", "\\u{feff}a"), ("a\u{85}b", "a\\x85b"),
        ("\u{e0041}", "\\u{e0041}"),
    ])
    func controls_areReplaced_andNothingElse(text: String, printed: String) {
        #expect(printable(text) == printed)
    }

    @Test func keptControls_stay() {
        #expect(printable("a\tb\nc\u{1b}d\r", keeping: "\t\n") == "a\tb\nc\\x1bd\\x0d")
    }

    @Test func everyControlOfLatin1_isReplaced() {
        for value in UInt32(0)...0x9f where !(0x20..<0x7f).contains(value) {
            let text = String(Unicode.Scalar(value)!)
            let hex = String(value, radix: 16)
            #expect(printable(text) == "\\x" + (hex.count == 1 ? "0" : "") + hex)
        }
    }
}
