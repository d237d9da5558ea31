// What an argument's pattern takes.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Commands

@Suite(.timeLimit(.minutes(1)))
struct PatternTests {
    static let long = String(repeating: "a", count: 32_000)

    @Test(
        arguments: [
            ("/[a-z0-9/]*", ["/", "/srv/1"], ["", "srv", "/A", "/a\n", "\n/a", "/a b", "x/a"]),
            ("a|b", ["a", "b"], ["", "ab", "ax", "xb", "a\nb"]),
            ("(a|b)c|d", ["ac", "bc", "d"], ["a", "acd", "ad", "cd"]),
            ("a*", ["", "aaa"], ["b", "a b"]),
            ("", [""], ["a", " "]),
            ("()", [""], ["a"]),
            (".", ["a", "\n"], ["", "aa"]),
            ("^a$", ["a"], ["", "aa"]),
            ("[[:digit:]]{2,3}", ["12", "123"], ["1", "1234", "1a"]),
            ("[]a]+", ["]a]"], ["b"]), ("[^]a]", ["b"], ["]", "a"]), ("[a\\]", ["\\", "a"], ["]"]),
            ("[[.].]]", ["]"], ["["]), ("[\\1]", ["1", "\\"], ["2"]), ("[(]", ["("], [")"]),
            ("[)|]", [")", "|"], [""]), ("\\(\\)", ["()"], [""]), ("\\|", ["|"], [""]),
            ("a\\{1}", ["a{1}"], ["a"]), ("\\\\1", ["\\1"], ["1"]),
            ("(é)+", ["é", "éé"], ["e\u{301}"]),
            ("a{0}", [""], ["a"]),
        ] as [(String, [String], [String])])
    func pattern_matchesAWholeValue(text: String, good: [String], bad: [String]) throws {
        let pattern = try Pattern(text)
        for value in good { #expect(pattern.verdict(on: value) == .matches, "\(text) \(value)") }
        for value in bad { #expect(pattern.verdict(on: value) == .differs, "\(text) \(value)") }
    }

    @Test(arguments: [
        "(", ")", "a)", "a)(b", "a)|(b", "a)|b", "(a", "((a)", "[a", "[", "[[:foo:]]", "a{2,1}",
        "a{99999}", "\\\\\\\\(", "*)(", "[b-a]", "(a)\\\\1", "\\\\1", "(a)(b)\\\\2", "((a)\\\\1)",
        "a\\\\", "a\\u0007b", String(repeating: "a", count: 1_024),
        String(repeating: "(", count: 33) + String(repeating: ")", count: 33),
        String(repeating: "(", count: 511) + String(repeating: ")", count: 511),
        "((a{255}){255}){255}", "(((((((((((a+)+)+)+)+)+)+)+)+)+)+)+", "a{2000}", "(a|b){1000}",
        "a{1,1000}a{1,1000}", "(a{0,999}){2}", "a{1201,}", "((a*)*){20}",
        String(repeating: "(a*)*", count: 64), "(a*|b*|c*){200}",
        "((a*b*)?){290}c",
        "(((((((((a?)+)+)+)+)+)+)+)+)", "(^|$){50}", "(|a){50}",
    ])
    func pattern_isRefused_atItsPlace(text: String) {
        let run = "['/bin/true', '{x}']"
        expect(.invalidPattern, in: command("arguments: {x: ▶'\(text)'}", run: run))
        expect(.invalidPattern, in: command("arguments: {x: {pattern: ▶'\(text)'}}", run: run))
    }

    @Test(arguments: [
        "[a-z]{1,255}", "([a-z0-9]{1,63}\\.){1,16}", String(repeating: "a", count: 1_023),
        String(repeating: "(", count: 32) + String(repeating: ")", count: 32), "[)]", "[(]",
        "((((((a+)+)+)+)+)+)+", "a{1000}",
    ])
    func pattern_isTaken(text: String) throws { _ = try Pattern(text) }

    // MARK: Values that begin with a dash

    @Test(
        arguments: [
            (".*", "-x", .hasForbiddenDash), (".*", "x", .matches), (".*", "x-", .matches),
            ("[a-z-]+", "-x", .hasForbiddenDash), ("[a-]", "-", .hasForbiddenDash),
            ("[^a]", "-", .hasForbiddenDash), ("-x", "-x", .matches), ("-x", "-y", .differs),
            ("\\-x", "-x", .matches), ("[-a]x", "-x", .matches), ("-?x", "-x", .matches),
            ("-?x", "x", .matches), ("a|-b", "-b", .matches), ("a|-b|.c", "-c", .hasForbiddenDash),
            ("a|-b|.c", "xc", .matches), ("(-a|b)", "-a", .matches), ("((-a|b))", "-a", .matches),
            ("(-a|b)c", "-ac", .hasForbiddenDash), ("(-a)|(b)", "-a", .hasForbiddenDash),
            ("x|(-a|b)", "-a", .hasForbiddenDash), ("[x|-]", "-", .hasForbiddenDash),
            ("[x|-~]", "-", .hasForbiddenDash), ("a\\|-b", "-b", .hasForbiddenDash),
            (".*|-a", "-b", .hasForbiddenDash), ("-a|-b", "-b", .matches),
            ("-a|-b", "-a|-b", .differs), ("", "-", .hasForbiddenDash), ("|-", "-", .matches),
            ("()|-", "-", .matches), ("--[a-z]+", "--help", .matches), ("-", "--", .differs),
        ] as [(String, String, Pattern.Verdict)])
    func dash_isTaken_whereAnAlternativeNamesIt(
        text: String, value: String, verdict: Pattern.Verdict
    ) throws {
        #expect(try Pattern(text).verdict(on: value) == verdict)
    }

    // MARK: Long values

    @Test(
        arguments: [
            "(a+)+b", "(a|aa)+b", "(a*)*b", "(a|a)*b", "(a?){10}b", "(.*a){20}b",
            "((a{1,9})*)*b", "(a|b)*a(a|b){12}c", "([a-z0-9]{1,63}\\.){1,16}",
        ])
    func longValue_isJudged_inBoundedTime(text: String) throws {
        let pattern = try Pattern(text)
        #expect(pattern.verdict(on: Self.long) == .differs)
        #expect(pattern.verdict(on: "x" + Self.long) == .differs)
    }

    @Test(arguments: ["(a+)+", "(a|aa)+", "a*", "(a*)*", "[a-z]+"])
    func longValue_matches(text: String) throws {
        #expect(try Pattern(text).verdict(on: Self.long) == .matches)
    }

    // MARK: A client's values

    @Test(
        arguments: [
            ([], .wrongCount), (["/"], .wrongCount), (["/", "s", "x"], .wrongCount),
            (["x", "s"], .differs), (["/", "s "], .differs), (["-x", "s"], .forbiddenDash),
            (["/", "-s"], .forbiddenDash), (["/\0", "s"], .containsNUL),
            (["/", "\0"], .containsNUL),
        ] as [([String], BadArgument.Code)])
    func values_areRefused_withoutBeingShown(values: [String], code: BadArgument.Code) throws {
        let program = try disk
        guard case .failure(let bad) = program.argv(for: values) else { throw NoProgram() }
        #expect(bad.code == code)
        #expect(isSentence(bad.description))
    }

    @Test func valueNeverStandsInARefusal() throws {
        for value in ["HOSTILE", "-HOSTILE", "HOSTILE\0"] {
            guard case .failure(let bad) = try disk.argv(for: [value, "s"]) else {
                throw NoProgram()
            }
            #expect(!bad.description.contains("HOSTILE"))
        }
    }

    @Test func refusals_sayWhatIsWrong() throws {
        let bad: [BadArgument] = try [["/"], ["x", "s"], ["-", "s"], ["\0", "s"]].map { values in
            guard case .failure(let bad) = try disk.argv(for: values) else { throw NoProgram() }
            return bad
        }
        #expect(
            bad.map(\.description) == [
                "1 argument was given and c takes 2: path, word",
                "the argument path does not match /[a-z0-9/]*",
                "the argument path begins with - , which its pattern does not allow",
                "the argument path contains a NUL byte",
            ])
    }

    @Test func values_takeTheirPlaces() throws {
        #expect(try disk.argv(for: ["/srv", "x"]).get() == ["-h", "/srv", "x"])
        // A value is never read again for placeholders.
        let program = try program(
            command("arguments: {a: '.*', b: '.*'}", run: "['/bin/true', '{a}', '{b}']"))
        #expect(try program.argv(for: ["{b}", "$(x) `y`; *"]).get() == ["{b}", "$(x) `y`; *"])
    }

    private var disk: ProgramEntry {
        get throws {
            try program(
                command(
                    "arguments: {path: '/[a-z0-9/]*', word: {pattern: '[a-z]*', secret: true}}",
                    run: "['/bin/true', '-h', '{path}', '{word}']"))
        }
    }
}
