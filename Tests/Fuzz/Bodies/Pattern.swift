// Fuzzes patterns and the values that they are compared with.
// SPDX-License-Identifier: Apache-2.0

@testable import Commands

/// What the patterns of one request may look at (docs/design.md, Patterns).
private let mostWork = 1_000_000

/// The pattern is before the end of the first line, the value after it.
func fuzzPattern(_ bytes: [UInt8]) throws(Finding) {
    let parts = bytes.split(separator: 10, maxSplits: 1, omittingEmptySubsequences: false)
    let text = String(decoding: parts[0], as: UTF8.self)
    let value = parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : ""
    let pattern: Pattern
    let program: PatternProgram
    do throws(PatternFault) {
        pattern = try Pattern(text)
        let syntax = try PatternSyntax(text)
        program = PatternProgram(
            try .anyOf(syntax.alternatives.map(\.code)), sets: syntax.sets)
    } catch {
        return try require(
            isPrintable(error.sentence) && !error.sentence.isEmpty, "a fault is one line")
    }
    var work = MatchingWork()
    let outcome = program.run(value, &work)
    try require(
        work.spent <= (value.unicodeScalars.count + 2) * program.size + 1
            && work.spent <= mostWork + program.size, "work stays in its bound")
    if value.utf8.count < 200, outcome != .exhausted {
        let model = PatternModel(text)
        try require(
            model.matches(value) == (outcome == .matches), "a value matches as the model says")
    }
    var whole = MatchingWork()
    let verdict = pattern.verdict(on: value, &whole)
    switch verdict {
    case .hasNUL: try require(value.utf8.contains(0), "a NUL is one of the value's")
    case .tooMuchWork: try require(whole.spent > mostWork, "too much is too much")
    case .matches: try require(outcome == .matches, "what matches with its hyphen matches")
    case .differs: try require(outcome == .differs, "what differs does not match")
    case .hasForbiddenDash:
        try require(value.utf8.first == UInt8(ascii: "-"), "a hyphen is in front")
    }
    // Parentheses around the whole change nothing, not even the hyphen's rule.
    if let enclosed = try? Pattern("(\(text))") {
        var work = MatchingWork()
        try require(enclosed.verdict(on: value, &work) == verdict, "parentheses change nothing")
    }
    guard verdict == .matches || verdict == .differs, value.utf8.first != UInt8(ascii: "-") else {
        return
    }
    for same in ["(\(text))|(\(text))", "(\(text)){1}"] {
        guard let other = try? Pattern(same) else { continue }
        var work = MatchingWork()
        let same = other.verdict(on: value, &work)
        try require(same == verdict || same == .tooMuchWork, "\(text) is the same again")
    }
    if verdict == .matches, let twice = try? Pattern("((\(text))|x)?y?") {
        var work = MatchingWork()
        let again = twice.verdict(on: value, &work)
        try require(
            again == .matches || again == .tooMuchWork, "what may be left out may be there")
    }
}
