// Which patterns are refused, and why.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Commands

@Suite(.timeLimit(.minutes(1)))
struct PatternSyntaxTests {
    @Test(
        arguments: [
            ("(", "\\("), ("(a", "\\("), ("((a)", "\\("), ("(|", "\\("), ("(^", "\\("),
            (")", "\\)"), ("a)", "\\)"), ("a)(b", "\\)"), ("a)|(b", "\\)"), ("a)|b", "\\)"),
            ("[", "\\["), ("[a", "\\["), ("[a-", "\\["), ("[]", "\\["), ("[^]", "\\["),
            ("[^", "\\["), ("[[", "\\["), ("[\\", "backslash"),
            ("[a\\]b", "backslash"), ("[\\w.-]+", "backslash"), ("[^\\n]", "backslash"),
            ("[\\.]", "backslash"), ("[\\]]", "backslash"), ("[a\\-z]", "backslash"),
            ("[\\\\\\]", "backslash"), ("[!-\\]", "backslash"), ("[a\\\\]b", nil),
            ("[\\\\]", nil), ("[^\\\\n]", nil),
            ("[[:foo:]]", "[:"), ("[[:alpha]]", "[:"), ("[[:alpha:", "[:"), ("[[:", "[:"),
            ("[[::]]", "[:"), ("[[:Alpha:]]", "[:"),
            ("[[.a.]]", "[."), ("[[=a=]]", "[="), ("[a-[.z.]]", "[."),
            ("[b-a]", "backwards"), ("[é-a]", "backwards"), ("[a--]", "backwards"),
            ("[a-[:digit:]]", "ends in a class"), ("[a-c-e]", "first or last"),
            ("[[:digit:]-z]", "first or last"), ("[ab-]", nil), ("[^-a]", nil), ("[+--]", nil),
            ("*", "nothing"), ("*)(", "nothing"), ("a|*", "nothing"), ("(+a)", "nothing"),
            ("{2}", "nothing"), ("^*", "nothing"), ("(^?)", "nothing"), ("?", "nothing"),
            ("a**", "parentheses"), ("a+?", "parentheses"), ("a{2}{3}", "parentheses"),
            ("{", "\\{"), ("a{", "\\{"), ("a{}", "\\{"), ("a{,2}", "\\{"), ("a{1", "\\{"),
            ("a{1,", "\\{"), ("a{1,2", "\\{"), ("a{x}", "\\{"), ("a{1,2,3}", "\\{"),
            ("a{-1}", "\\{"), ("a{ 1}", "\\{"), ("a{1}{", "\\{"),
            ("a{2,1}", "lower"), ("a{1001}", "1000"), ("a{1,1001}", "1000"), ("a{1001,}", "1000"),
            ("a{99999999999999999999999999}", "1000"),
            ("a^", "\\^"), ("^^", "\\^"), ("(a^)", "\\^"), ("()^", "\\^"),
            ("$a", "\\$"), ("$$", "\\$"), ("a$*", "\\$"), ("($a)", "\\$"), ("$^", "\\$"),
            ("(^a$)|^$", nil),
            ("\\", "backslash"), ("a\\", "backslash"), ("(\\", "backslash"),
            ("\\1", "[0-9]"), ("(a)\\1", "[0-9]"), ("\\d", "[0-9]"), ("\\w+", "[0-9]"),
            ("\\ ", "punctuation"), ("\\é", "punctuation"), ("\\<\\>\\`\\'\\-\\~\\_", nil),
        ] as [(String, String?)])
    func mistake_isNamed(text: String, word: String?) {
        let sentence = sentence(text)
        #expect((sentence == nil) == (word == nil), "\(sentence ?? "taken")")
        guard let sentence, let word else { return }
        #expect(sentence.contains(word), "\(sentence)")
        #expect(sentence.contains("expected ") && isSentence(sentence), "\(sentence)")
    }

    @Test(arguments: ["(", "a)|(b", "[[:foo:]]", "a{2,1}", "\\\\\\\\(", "\\\\1", "a\\u0007b"])
    func pattern_isRefused_atItsPlace(text: String) {
        let run = "['/bin/true', '{x}']"
        expect(.invalidPattern, in: command("arguments: {x: ▶'\(text)'}", run: run))
        expect(.invalidPattern, in: command("arguments: {x: {pattern: ▶'\(text)'}}", run: run))
    }

    // MARK: Limits

    @Test(arguments: [
        String(repeating: "a", count: 1_024), String(repeating: "é", count: 512),
        String(repeating: "(", count: 33) + String(repeating: ")", count: 33),
        String(repeating: "(", count: 511) + String(repeating: ")", count: 511),
        "(a{1000}){5}", "((a{255}){255}){255}", "(((a{1000}){1000}){1000}){1000}",
        "((((a+){1000})*){1000})*", "a{1000}b{1000}c{1000}d{1000}efghijklmnopqrstuvw{95}",
        "(a?){0,1000}b{0,1000}", "(a{1000}|b{1000}|c{1000}|d{1000}|e{1000})",
        "((a{1000}){1000}){0}", "a{1000}b{1000}c{1000}d{1000}e{96}", "(a|b){1000}c{96}",
    ])
    func pattern_isRefused_beyondTheLimits(text: String) {
        #expect(sentence(text)?.contains("expected at most") == true)
    }

    @Test(arguments: [
        "[a-z]{1,255}", "([a-z0-9]{1,63}\\.){1,16}", String(repeating: "a", count: 1_023),
        String(repeating: "(", count: 32) + String(repeating: ")", count: 32), "[)]", "[(]",
        "((((((a+)+)+)+)+)+)+", "a{1000}", "(a|b){1000}c{95}", "a{1,1000}a{1,1000}", "(é)",
        "a{1000}b{1000}c{1000}d{1000}e{95}", "((a*)*){20}", "((a*b*)?){290}c", "(^|$){50}",
        String(repeating: "(a*)*", count: 64), "(((((((((a?)+)+)+)+)+)+)+)+)", "(|a){50}",
        "((((((){1000}){1000}){1000}){1000}){1000}){1000}", "(a{0}){1000}",
        String(repeating: "|", count: 1_023), String(repeating: "()*", count: 341),
        "[" + String(repeating: "éà", count: 255) + "]",
        "[^" + String(repeating: "\u{102}\u{104}\u{106}\u{108}", count: 127) + "]",
    ])
    func pattern_isTaken_withinTheLimits(text: String) {
        #expect(sentence(text) == nil)
    }

    /// Why a pattern is refused; nil where it is taken.
    private func sentence(_ text: String) -> String? {
        do throws(PatternFault) {
            _ = try Pattern(text)
            return nil
        } catch {
            return error.sentence
        }
    }
}
