// Fuzzes patterns and the values that they are compared with.
// SPDX-License-Identifier: Apache-2.0

@testable import Commands

/// The pattern stands before the first line's end, the value behind it.
func fuzzPattern(_ bytes: [UInt8]) throws(Finding) {
    let parts = bytes.split(separator: 10, maxSplits: 1, omittingEmptySubsequences: false)
    let text = String(decoding: parts[0], as: UTF8.self)
    let value = parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : ""
    let pattern: Pattern
    let program: PatternProgram
    do throws(PatternSyntax.Fault) {
        pattern = try Pattern(text)
        let syntax = try PatternSyntax(text)
        program = PatternProgram(
            try .anyOf(syntax.alternatives.map(\.code)), sets: syntax.sets)
    } catch {
        return try require(
            isPrintable(error.sentence) && !error.sentence.isEmpty, "a fault is one line")
    }
    let outcome = program.run(value)
    try require(outcome.steps <= program.mostSteps(on: value), "steps stay in their bound")
    if value.utf8.count < 200 {
        let model = PatternModel(text)
        try require(
            model.matches(value) == outcome.matches, "a value matches as the model says")
    }
    let verdict = pattern.verdict(on: value)
    switch verdict {
    case .hasNUL: try require(value.utf8.contains(0), "a NUL is one of the value's")
    case .tooLong: try require(program.mostSteps(on: value) > 4_000_000, "too long is too long")
    case .matches: try require(outcome.matches, "what matches with its hyphen matches")
    case .differs: try require(!outcome.matches, "what differs does not match")
    case .hasForbiddenDash:
        try require(value.utf8.first == UInt8(ascii: "-"), "a hyphen is in front")
    }
    // Parentheses around the whole change nothing, not even the hyphen's rule.
    if let enclosed = try? Pattern("(\(text))") {
        try require(enclosed.verdict(on: value) == verdict, "parentheses change nothing")
    }
    guard verdict == .matches || verdict == .differs, value.utf8.first != UInt8(ascii: "-") else {
        return
    }
    for same in ["(\(text))|(\(text))", "(\(text)){1}"] {
        guard let other = try? Pattern(same) else { continue }
        try require(other.verdict(on: value) == verdict, "\(same) is the same")
    }
    if verdict == .matches, let twice = try? Pattern("((\(text))|x)?y?") {
        try require(twice.verdict(on: value) == .matches, "what may be left out may be there")
    }
}
