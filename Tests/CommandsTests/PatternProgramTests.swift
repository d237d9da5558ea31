// How much work a value makes.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Commands

@Suite(.timeLimit(.minutes(10)))
struct PatternProgramTests {
    static let long = String(repeating: "a", count: 32_000)

    @Test(
        arguments: [
            "(a+)+b", "(a|aa)+b", "(a*)*b", "(a|a)*b", "(a?){10}b", "(.*a){5}b",
            "((a{1,9})*)*b", "(a|b)*a(a|b){3}c",
            "(((((((((a?)+)+)+)+)+)+)+)+)b", "((((((((a*)*)*)*)*)*)*)*)*b",
        ])
    func longValue_isJudged(text: String) throws {
        let pattern = try Pattern(text)
        #expect(pattern.verdict(on: Self.long) == .differs)
        #expect(pattern.verdict(on: "x" + Self.long) == .differs)
    }

    @Test(arguments: ["(a+)+", "(a|aa)+", "a*", "(a*)*", "[a-z]+", "(a|)*"])
    func longValue_matches(text: String) throws {
        #expect(try Pattern(text).verdict(on: Self.long) == .matches)
    }

    @Test(arguments: [
        "(a{0,1000}){2}.*", "(a|b)*a(a|b){900}c", "(a?){1000}(a?){999}b", ".*(.{0,1000}).*b",
    ])
    func value_isTooMuchWork_whereItHoldsALoop(text: String) throws {
        let pattern = try Pattern(text)
        #expect(pattern.verdict(on: Self.long) == .tooMuchWork)
        #expect(pattern.verdict(on: String(repeating: "a", count: 200)) != .tooMuchWork)
    }

    @Test(arguments: [
        ".*", "[a-z]*", "(.|[[:space:]])*", "[^;]{0,9}.*", "([a-z0-9-]{1,9}[.]?)*",
        "(/[a-z0-9._-]+)+|.*",
    ])
    func longestValue_isJudged_byAnyOrdinaryPattern(text: String) throws {
        #expect(try Pattern(text).verdict(on: Self.long) != .tooMuchWork)
    }

    @Test func hostName_isCheap() throws {
        let label = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
        let pattern = try Pattern("(\(label)[.]){0,15}\(label)")
        let name = [String](repeating: String(repeating: "a", count: 62), count: 16)
            .joined(separator: ".")
        for value in [name, name + "!"] {
            var work = MatchingWork()
            #expect(pattern.verdict(on: value, &work) == (value == name ? .matches : .differs))
            #expect(work.spent < 30 * value.count)
        }
    }

    // What one request costs, whatever its values and patterns are.
    @Test(arguments: ["(a?){1000}(a?){999}b", "-?(a?){1000}(a?){900}b", "a*", "(a|b)*a(a|b){900}c"])
    func request_isBoundedAsAWhole(text: String) throws {
        let names = (0..<64).map { "a\($0)" }
        let patterns = names.map { "\($0): '\(text)'" }.joined(separator: ",")
        let words = names.map { ", '{\($0)}'" }.joined()
        let program = try program(
            command("arguments: {\(patterns)}", run: "['/bin/true'\(words)]"))
        for value in ["a", "-"].map({ $0 + String(repeating: "a", count: 90) + "b" }) {
            var work = MatchingWork()
            let result = program.invocation(for: names.map { _ in value }, &work)
            #expect(work.spent <= mostWork + mostPlaces)
            // Each alone would do.
            var alone = MatchingWork()
            let one = try Pattern(text).verdict(on: value, &alone)
            #expect(one != .tooMuchWork)
            if alone.spent * 64 > mostWork, one == .matches {
                guard case .failure(let bad) = result else { throw NoProgram() }
                #expect(bad.code == .tooMuchWork)
            }
        }
    }

    // Patterns on which others take exponential time, or a square of it, and the largest ones.
    @Test(
        arguments: [
            "(a?){30}a{30}", "((a*)*){20}b", "(((a*)*)*)*b", "((a|a)*)*b", "(a|b)*a(a|b){900}c",
            "(.*){1000}b", "((a?|b*|.)*){200}c", "(.{0,1000}){2}", "((|a)*){500}b",
            "(|||||||||||||||||||){100}b", "((()|a)*|(b|)*)*c", "(^|a|$)*b", "(a{0,30}){60}b",
            "(((a?){5}){5}){5}b", ".*(.{0,1000}).{0,1000}b",
        ])
    func steps_areBounded(text: String) throws {
        let syntax = try PatternSyntax(text)
        let program = PatternProgram(
            try .anyOf(syntax.alternatives.map(\.code)), sets: syntax.sets)
        for value in ["", "a", "aaaa", "ab", String(repeating: "aé", count: 500)] {
            var work = MatchingWork()
            let outcome = program.run(value, &work)
            let most = (value.unicodeScalars.count + 2) * program.size
            #expect(program.size <= mostPlaces)
            #expect(work.spent <= most + 1)
            // It stops within one character.
            #expect(work.spent <= mostWork + program.size)
            #expect((outcome == .exhausted) == (work.spent > mostWork))
        }
    }

    @Test func repetitions_areNotCounted_whereNothingIsLeft() throws {
        let syntax = try PatternSyntax("(((){1000}){1000}|a{0}){0,1000}")
        let code = try PatternCode.anyOf(syntax.alternatives.map(\.code))
        #expect(code.instructions.count <= 3_000)
        var work = MatchingWork()
        #expect(PatternProgram(code, sets: syntax.sets).run("", &work) == .matches)
    }
}

/// What the patterns of one request may look at (docs/design.md, Patterns).
private let mostWork = 1_000_000
/// What one pattern may come to.
private let mostPlaces = 4_096
