// What an argument's pattern takes.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Commands

@Suite(.timeLimit(.minutes(1)))
struct PatternTests {
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
            ("[]a]+", ["]a]"], ["b"]), ("[^]a]", ["b"], ["]", "a"]),
            ("[a\\\\]", ["\\", "a"], ["]"]),
            ("[\\\\1]", ["1", "\\"], ["2"]), ("[!-\\\\]", ["!", "A", "\\"], ["]"]),
            ("[\\\\-a]", ["\\", "]", "a"], ["b"]), ("[(]", ["("], [")"]), ("[[]", ["["], ["]"]),
            ("[)|]", [")", "|"], [""]), ("\\(\\)", ["()"], [""]), ("\\|", ["|"], [""]),
            ("a\\{1}", ["a{1}"], ["a"]), ("\\\\1", ["\\1"], ["1"]), ("}]", ["}]"], ["]"]),
            ("a{0}", [""], ["a"]), ("(a{0}|b){2}", ["", "b", "bb"], ["a", "bbb"]),
            ("a{2}", ["aa"], ["a", "aaa"]), ("a{2,}", ["aa", "aaaaa"], ["", "a"]),
            ("(ab){1,3}", ["ab", "ababab"], ["", "aba", "abababab"]),
            ("(a|)b", ["ab", "b"], ["a", "aab"]), ("a||b", ["a", "", "b"], ["ab"]),
            ("(a*)*", ["", "aaa"], ["b"]), ("(()*|a?)+b", ["b", "aab"], ["", "a"]),
            ("^a|b$", ["a", "b"], ["ab", "aa"]), ("(^a$)", ["a"], [""]), ("^$", [""], ["a"]),
            ("(^a)*", ["", "a"], ["aa"]), ("x(^a)|b($)", ["b"], ["xa", "a"]),
            ("(a$)b", [], ["a", "ab"]), ("(^|$){50}", [""], ["a"]),
        ] as [(String, [String], [String])])
    func pattern_matchesAWholeValue(text: String, good: [String], bad: [String]) throws {
        let pattern = try Pattern(text)
        for value in good { #expect(pattern.verdict(on: value) == .matches, "\(text) \(value)") }
        for value in bad { #expect(pattern.verdict(on: value) == .differs, "\(text) \(value)") }
    }

    @Test(
        arguments: [
            ("é", ["é"], ["e\u{301}", "\u{c3}", "e"]), ("(é)+", ["é", "éé"], ["e\u{301}"]),
            ("é+x", ["éx", "ééx"], ["x"]), ("é{2}", ["éé"], ["é"]),
            (".", ["é", "€", "😀", "\u{80}", "\u{10ffff}"], ["éé", "e\u{301}"]),
            ("..", ["éé", "e\u{301}"], ["é", "😀"]),
            ("[^a]", ["é", "😀", "b"], ["a", "éé"]), ("[^é]", ["e", "è", "ê", "😀"], ["é", ""]),
            ("[äöü]+", ["ä", "üöä"], ["a", "å", "ë"]), ("[à-é]", ["é", "à"], ["ê", "ß", "a"]),
            ("[a-é]", ["z", "é", "\u{80}"], ["ê", "A"]), ("[^à-é€]", ["ê", "a"], ["é", "€"]),
            ("[[:alpha:]é]+", ["éa"], ["è"]), ("[^[:alpha:]]", ["é"], ["e"]),
            ("[[:alpha:]]", ["e"], ["é"]),
        ] as [(String, [String], [String])])
    func character_isTakenWhole(text: String, good: [String], bad: [String]) throws {
        try pattern_matchesAWholeValue(text: text, good: good, bad: bad)
    }

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
                "1 argument was given, but c takes 2: path, word",
                "the argument path of c does not match /[a-z0-9/]*",
                "the argument path of c begins with a hyphen, which its pattern does not allow",
                "the argument path of c contains a NUL byte",
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
