// JSON5 as the table's files have it: what is read, and where a mistake is found.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Commands

@Suite(.timeLimit(.minutes(1)))
struct TableSyntaxTests {
    // MARK: What is read

    @Test(
        arguments: [
            ("{commands:{a:{reply:'x'}}}", "a", "x"),
            (#"{"commands":{"a":{"reply":"x"}}}"#, "a", "x"),
            ("// one\n{/* two */commands/***/:/* * / */{a:{reply:'x',},},}// three", "a", "x"),
            ("\u{feff}{commands:{a:{reply:'x'}}}", "a", "x"),
            (" \t\u{b}\u{c}\r\n{commands:{a:{reply:'x'}}}\n", "a", "x"),
            ("{commands:{a:{reply:'// x /* y */'}}}", "a", "// x /* y */"),
            (#"{commands:{'a"b':{reply:"it's"}}}"#, "a\"b", "it's"),
            (#"{commands:{'\u0061\x62\'\\':{reply:'\u00e9\ud83d\ude00\t'}}}"#, "ab'\\", "é😀\t"),
            ("{commands:{é_$1:{reply:'ü'}}}", "é_$1", "ü"),
            ("{commands:{'/*':{reply:'*/'}}}", "/*", "*/"),
            ("{commands:{true:{reply:'x'}}}", "true", "x"),
            ("{'comm\\u0061nds':{a:{'\\x72eply':'x'}}}", "a", "x"),
        ])
    func text_isReadAsJSON5(text: String, name: String, reply: String) throws {
        guard case .reply(let read, false) = try table(text)[name]?.action else {
            Issue.record("no reply in \(text)")
            return
        }
        #expect(read == reply)
    }

    @Test(
        arguments: [
            ("1", 1.0), ("+1", 1), (".5", 0.5), ("5.", 5), ("0x10", 16), ("1e2", 100),
            ("1.5E+1", 15),
            ("1." + String(repeating: "0", count: 62), 1),
            ("1e-0", 1), ("0XfF", 255), ("0.5", 0.5), ("15e-1", 1.5),
        ] as [(String, Double)])
    func number_isReadAsJSON5(text: String, value: Double) throws {
        #expect(try program(command("timeout: \(text)")).timeout == .seconds(value))
    }

    // MARK: What is not JSON5

    @Test(arguments: [
        "▶", " \n▶".replacing("\n", with: " "), "{▶", "{commands▶", "{commands:▶", "{commands:{▶",
        "{commands:{}▶", "{commands:{}}▶}", "{commands:{}} ▶x", "{commands ▶{}}", "{▶:1}", "{▶,}",
        "{commands:{},▶,}", "{commands:{} ▶groups:{}}", "{commands:▶,}", "{commands:▶}",
        "[▶,]", "[1 ▶2]", "[1,▶", "[1▶", "{▶1:2}", "{▶-a:2}", "{a▶\\u0062:2}", "{a ▶b:2}",
        "{commands:▶nul}", "{commands:▶é}", "{commands:▶tru}", "{commands:▶\u{a0}1}", "▶/", "▶/*",
        "{▶/* * /}", "{commands:{}▶/", "{a:▶'x", "{a:▶\"x'", "{a:▶'\\'", "{a:▶'x\\", "▶'",
        "{▶'a:1}", "{a:'x▶\u{7}'}", "{▶'\\q':1}", "{▶'\\ud800':1}", "{▶'\\u12':1}", "{a:1▶\u{b7}}",
        "{commands:{c:{reply:▶'\\q'}}}", "{commands:{c:{reply:▶'\\u12'}}}",
        "{commands:{c:{reply:▶'\\ud83d'}}}", "{commands:{c:{reply:▶'\\1'}}}", "▶\0", "{a:'▶\0'}",
        "{/*▶\0*/}", "{commands:{}}// ▶\0",
    ])
    func text_isRefused_whereItIsNotJSON5(marked: String) {
        expect(.syntax, in: marked)
    }

    @Test(arguments: [
        "01", "1.5e", "0x", "-", "+", ".", "1e400", "1-", "--1", "1.2.3", "1_000", "1e+", "1E-",
        "0x1.8",
        "1." + String(repeating: "0", count: 63), String(repeating: "9", count: 1_000), "+-1",
        ".e1",
        "00", "Inf", "-Nan", "0b1", "1e1.5",
    ])
    func number_isRefused_whereItIsNone(text: String) {
        expect(.syntax, in: command("timeout: ▶\(text)"))
    }

    @Test(arguments: ["'x\ny'", "'x\\\ny'", "'x\\\r\ny'", "'x\ry'", "'\\\n'"])
    func string_isRefused_whereItGoesOverALinesEnd(literal: String) {
        // JSON5 allows a continued line, whose end some readers take into the text and others don't.
        for text in ["{commands:{a:{reply:\(literal)}}}", "{commands:{\(literal):{}}}"] {
            let found = refusal(of: text)
            #expect(found?.code == .syntax)
            #expect(found?.line == 1)
        }
    }

    // MARK: Places

    @Test(arguments: [
        ("{\n  x: 1}", 2, 3), ("{\r\n  x: 1}", 2, 3), ("{\r  x: 1}", 2, 3), ("{\n\n\nx: 1}", 4, 1),
        ("{\r\r\n\n x: 1}", 4, 2), ("\u{feff}{x: 1}", 1, 2), ("\u{feff}\n{x: 1}", 2, 2),
        ("{/* é\u{1f600}e\u{301} */x: 1}", 1, 12), ("{/*\n*/x: 1}", 2, 3), ("{// x:\nx: 1}", 2, 1),
        ("{'x': 1}", 1, 2), ("{commands: {},\n\t'x\\n': 1}", 2, 2),
    ])
    func place_isCountedInLinesAndScalars(text: String, line: Int, column: Int) {
        #expect(refusal(of: text) == Refusal(.unknownKey, line, column))
    }

    @Test func place_ofATextThatEndsEarly_isItsEnd() {
        #expect(refusal(of: "{\n  commands: {\n") == Refusal(.syntax, 3, 1))
    }

    // MARK: Keys that are there twice

    @Test(arguments: [
        "{commands:{},▶commands:{}}", "{commands:{},▶'commands':{}}",
        "{commands:{},▶\"comm\\u0061nds\":{}}", "{'\\x63ommands':{},▶commands:{}}",
        "{commands:{a:{reply:'x'},b:{reply:'x'},▶a:{reply:'x'}}}",
        "{commands:{a:{reply:'x',▶reply:'x'}}}", "{commands:{a:{x:{y:1,▶y:2}}}}",
        "{commands:[{},{y:1,▶y:2}]}", "{groups:{g:[],▶g:[]},commands:{}}",
        "{commands:{'':1,▶\"\":1}}", "{commands:{'\u{e9}':1,▶'e\u{301}':1}}",
    ])
    func table_isRefused_whereAKeyIsTwice(marked: String) {
        expect(.duplicateKey, in: marked)
    }

    @Test func equalKeys_mayStandInDifferentObjects() throws {
        let text = "{commands:{reply:{reply:'x'},run:{reply:'y'},commands:{reply:'z'}}}"
        #expect(try table(text).entries.map(\.name) == ["commands", "reply", "run"])
    }

    // MARK: Depth

    @Test(arguments: ["[", "{a:", "[{a:"])
    func text_isRefused_whereItIsNestedTooDeeply(piece: String) {
        let closing = String(piece.filter("[{".contains).map { $0 == "[" ? "]" : "}" }.reversed())
        for count in [33, 512, 513, 100_000] {
            let open = String(repeating: piece, count: count)
            #expect(refusal(of: open)?.code == .tooDeep)
            let whole = open + "1" + String(repeating: closing, count: count)
            #expect(refusal(of: whole)?.code == .tooDeep)
        }
    }

    @Test func depth_isToldAtItsPlace() {
        #expect(refusal(of: String(repeating: "[", count: 33)) == Refusal(.tooDeep, 1, 33))
        #expect(refusal(of: String(repeating: "[", count: 32)) == Refusal(.syntax, 1, 33))
    }

    @Test func depth_doesNotCount_whatIsBesideOneAnother() {
        let many = String(repeating: "[{a:[]}],", count: 1_000)
        expect(.wrongType, in: "▶[\(many)]")
    }
}
