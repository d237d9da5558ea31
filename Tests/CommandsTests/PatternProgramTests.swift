// How much work a value makes.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Commands

@Suite(.timeLimit(.minutes(1)))
struct PatternProgramTests {
    static let long = String(repeating: "a", count: 32_000)

    @Test(
        arguments: [
            "(a+)+b", "(a|aa)+b", "(a*)*b", "(a|a)*b", "(a?){10}b", "(.*a){20}b",
            "((a{1,9})*)*b", "(a|b)*a(a|b){12}c",
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

    @Test(arguments: ["([a-z0-9]{1,63}\\.){1,16}", "(a{0,1000}){2}.*", "(a|b)*a(a|b){900}c"])
    func value_isTooLong_whereItsWorkWouldBeTooMuch(text: String) throws {
        let pattern = try Pattern(text)
        #expect(pattern.verdict(on: Self.long) == .tooLong)
        #expect(pattern.verdict(on: String(repeating: "a", count: 500)) != .tooLong)
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
            let count = value.unicodeScalars.count + 1
            #expect(program.mostSteps(on: value) <= count * PatternCode.limit)
            #expect(program.run(value).steps <= program.mostSteps(on: value))
        }
    }

    @Test func repetitions_areNotCounted_whereNothingIsLeft() throws {
        let syntax = try PatternSyntax("(((){1000}){1000}|a{0}){0,1000}")
        let code = try PatternCode.anyOf(syntax.alternatives.map(\.code))
        #expect(code.instructions.count <= 3_000)
        #expect(PatternProgram(code, sets: syntax.sets).run("").matches)
    }
}
