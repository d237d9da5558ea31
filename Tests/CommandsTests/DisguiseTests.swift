// Characters that would make a table look different from how it is parsed.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Commands

@Suite(.timeLimit(.minutes(1)))
struct DisguiseTests {
    static let characters = [
        "\u{2028}", "\u{2029}", "\u{85}", "\u{202a}", "\u{202b}", "\u{202c}", "\u{202d}",
        "\u{202e}", "\u{2066}", "\u{2067}", "\u{2068}", "\u{2069}", "\u{200e}", "\u{200f}",
        "\u{61c}", "\u{1b}", "\u{8}", "\u{7f}", "\u{9b}", "\u{b}",
    ]

    // An editor ends the comment there, or JSON5 does, and what follows would be in force or not.
    @Test(arguments: characters)
    func comment_isRefused_withIt(character: String) {
        for text in [
            "{commands: {}, // all▶X groups: {}", "// a é▶X", "/* é▶X */{commands: {}}",
            "{commands: {}}//▶X", "{commands: {}}/*▶X",
        ] {
            let marked = text.replacing("X", with: character)
            // A comment without its end is told as that.
            if text.hasSuffix("/*▶X") { continue }
            expect(.syntax, in: marked)
        }
    }

    @Test(arguments: characters)
    func text_isRefused_withItBetweenOrInPlainNames(character: String) {
        // Those of ASCII end a plain name.
        let blanks: Set = ["\u{b}"]
        guard !blanks.contains(character) else { return }
        expect(.syntax, in: "{▶\(character)commands: {}}")
        expect(.syntax, in: "{commands: ▶\(character){}}")
        expect(.syntax, in: "{comm▶\(character)ands: {}}")
    }

    @Test(arguments: ["a\tb", "é", "e\u{301}", "😀", "\u{feff}", "👩\u{200d}🚀", "שלום"])
    func comment_isTaken_withAnythingElse(text: String) {
        #expect(refusal(of: "{commands: {}} // \(text)\n/* \(text)\n\r\n */") == nil)
    }

    // MARK: Strings

    @Test(arguments: [
        "\u{202e}", "\u{202a}x", "\u{2067}\u{202c}", "\u{202d}\u{2069}", "\u{2066}\u{2066}\u{2069}",
        "\u{202e}\u{202b}\u{202c}",
    ])
    func string_isRefused_whereItLeavesTheDirectionTurned(text: String) {
        expect(.syntax, in: "{commands: {c: {reply: 'é▶\(text)'}}}")
        expect(.syntax, in: "{commands: {'▶\(text)': {reply: 'x'}}}")
    }

    @Test(arguments: [
        "\u{202e}x\u{202c}", "\u{2067}x\u{2069}", "\u{200f}x\u{200e}", "\u{2066}\u{202b}\u{2069}",
        "\u{202c}\u{2069}", "a\\u202eb",
    ])
    func string_isTaken_whereItTurnsTheDirectionBack(text: String) {
        #expect(refusal(of: "{commands: {c: {run: ['/bin/true', '\(text)']}}}") == nil)
    }

    // MARK: Carriage returns

    @Test(arguments: [
        "// x\r{commands: {}}", "// x\r\n{commands: {}}\n", "{ // x\r\r commands: {}}// y\r",
        "{/* x\r */commands: {}}\n", "{\rcommands: {}}\n", "{commands: {}}// x\r\n",
    ])
    func carriageReturn_endsALine(text: String) {
        #expect(refusal(of: text) == nil, "\(text.debugDescription)")
    }

    @Test(arguments: [
        ("{commands: {}, // all\r groups: {},\n}", 1, 22), ("\n// x\r", 2, 5),
        ("// x\r\r\n{commands: {}}", 1, 5),
    ])
    func carriageReturn_isRefused_whereItEndsACommentAmongOtherLineEnds(
        text: String, line: Int, column: Int
    ) {
        #expect(refusal(of: text) == Refusal(.syntax, line, column))
    }

    @Test func carriageReturns_areLookedForOnce() {
        let text = String(repeating: "//\r", count: 300_000)
        #expect(refusal(of: text)?.code == .syntax)
    }
}
