// What patterns match, beside what they match for glibc.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import Commands
@testable import TestSupport

@Suite(.timeLimit(.minutes(5)))
struct PatternComparisonTests {
    // glibc is asked with characters and not bytes, so that . and é mean the same to it.
    @Test func randomPatterns_matchTheSame() throws {
        let locale = unsafe newlocale(LC_CTYPE_MASK, "C.UTF-8", nil)
        try #require(unsafe locale != nil)
        let before = unsafe uselocale(locale)
        defer {
            unsafe uselocale(before)
            unsafe freelocale(locale)
        }
        var random = SplitMix(state: 0xe9e9)
        var (pairs, matches) = (0, 0)
        while pairs < fuzzRounds / 2 {
            let text = pattern(depth: Self.depth, &random)
            guard let pattern = try? Pattern(text) else { continue }
            guard let peer = Peer("^(\(text))$") else {
                Issue.record("glibc refuses \(text)")
                return
            }
            for _ in 0..<10 {
                let value = value(&random)
                let matched = pattern.verdict(on: value) == .matches
                if matched != peer.matches(value) {
                    Issue.record("\(text) and \(value.debugDescription): \(matched)")
                    return
                }
                pairs += 1
                matches += matched ? 1 : 0
            }
        }
        // Both answers were given.
        #expect(matches > pairs / 50)
        #expect(matches < pairs / 2)
    }

    @Test(arguments: [
        "alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
        "upper", "xdigit",
    ])
    func class_hasTheSameMembers(name: String) throws {
        for text in ["[[:\(name):]]", "[^[:\(name):]]", "[x[:\(name):]-]"] {
            let pattern = try Pattern(text)
            let peer = try #require(Peer("^(\(text))$"))
            for byte in UInt8(1)..<128 where byte != UInt8(ascii: "-") {
                let value = String(UnicodeScalar(byte))
                #expect(
                    (pattern.verdict(on: value) == .matches) == peer.matches(value),
                    "\(text) \(byte)")
            }
        }
    }

    /// Some alternatives. No repetition stands around another or around what can be empty, where
    /// glibc takes long.
    private func pattern(depth: Int, _ random: inout SplitMix) -> String {
        let alternatives = (0..<Int.random(in: 1...3, using: &random)).map { _ in
            (0..<Int.random(in: 0...3, using: &random)).map { _ in
                guard depth > 0, Int.random(in: 0..<4, using: &random) == 0 else {
                    return Self.atoms.randomElement(using: &random)!
                        + Self.repetitions.randomElement(using: &random)!
                }
                return "(\(pattern(depth: depth - 1, &random)))"
                    + ["", "?", "+", "{2}"].randomElement(using: &random)!
            }.joined()
        }
        // Not in groups: glibc takes ^ in a repeated one for true where it is not.
        let isOuter = depth == Self.depth
        let start = isOuter && Int.random(in: 0..<8, using: &random) == 0 ? "^" : ""
        let end = isOuter && Int.random(in: 0..<8, using: &random) == 0 ? "$" : ""
        return start + alternatives.joined(separator: "|") + end
    }

    /// Without a dash in front, which has its own rule.
    private func value(_ random: inout SplitMix) -> String {
        let value = (0..<Int.random(in: 0...6, using: &random)).map { _ in
            ["a", "b", "c", "é", "-"].randomElement(using: &random)!
        }.joined()
        return value.hasPrefix("-") ? "" : value
    }

    private static let depth = 2
    private static let atoms = [
        "a", "b", "c", "é", ".", "[ab]", "[^a]", "[b-]", "[^a-b]", "[]a]", "(ab|c)", "(a|bé)",
        "(a|ab)", "(-|b.)", "\\-", "[[:blank:]-]", "[^[:digit:]]",
    ]
    private static let repetitions = ["", "", "", "*", "+", "?", "{2}", "{0,2}", "{1,3}", "{2,}"]
}

/// A compiled expression of glibc.
@safe private final class Peer {
    private var compiled = unsafe regex_t()

    init?(_ text: String) {
        guard unsafe regcomp(&compiled, text, REG_EXTENDED | REG_NOSUB) == 0 else { return nil }
    }

    deinit { unsafe regfree(&compiled) }

    func matches(_ value: String) -> Bool { unsafe regexec(&compiled, value, 0, nil, 0) == 0 }
}
