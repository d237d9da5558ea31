// What an argument's value must look like.
// SPDX-License-Identifier: Apache-2.0

/// A POSIX extended regular expression that must match a whole value.
struct Pattern: Sendable {
    enum Verdict: Hashable, Sendable { case matches, differs, hasForbiddenDash, hasNUL, tooLong }

    let text: String
    private let whole: PatternProgram
    /// What a value that begins with `-` must match; nil where none may.
    private let dashed: PatternProgram?

    /// - Parameter text: without control characters.
    init(_ text: String) throws(PatternSyntax.Fault) {
        let syntax = try PatternSyntax(text)
        self.text = text
        whole = PatternProgram(
            try .anyOf(syntax.alternatives.map(\.code)), sets: syntax.sets)
        let named = syntax.alternatives.filter(\.namesDash).map(\.code)
        dashed = named.isEmpty ? nil : PatternProgram(try .anyOf(named), sets: syntax.sets)
    }

    func verdict(on value: String) -> Verdict {
        if value.utf8.contains(0) { return .hasNUL }
        // Whoever sends values decides how long they are: all of them together must not hold a loop.
        guard whole.mostSteps(on: value) <= Self.mostSteps else { return .tooLong }
        guard value.utf8.first == UInt8(ascii: "-") else {
            return whole.run(value).matches ? .matches : .differs
        }
        // Otherwise a value could be taken for an option that nobody meant to allow.
        guard let dashed else { return .hasForbiddenDash }
        if dashed.run(value).matches { return .matches }
        return whole.run(value).matches ? .hasForbiddenDash : .differs
    }

    /// Some milliseconds. A name of a host, with 16 labels of 63 characters, may have 4,000
    /// characters by it; a pattern of a few places has the longest value that can come.
    private static let mostSteps = 4_000_000
}
