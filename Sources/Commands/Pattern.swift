// What an argument's value must look like.
// SPDX-License-Identifier: Apache-2.0

/// A POSIX extended regular expression that must match a whole value.
struct Pattern: Sendable {
    enum Verdict: Hashable, Sendable {
        case matches, differs, hasForbiddenDash, hasNUL, tooMuchWork
    }

    let text: String
    private let whole: PatternProgram
    /// What a value that begins with `-` must match; nil if no value may begin with it.
    private let dashed: PatternProgram?

    /// - Parameter text: without control characters.
    init(_ text: String) throws(PatternFault) {
        let syntax = try PatternSyntax(text)
        self.text = text
        whole = PatternProgram(
            try .anyOf(syntax.alternatives.map(\.code)), sets: syntax.sets)
        let named = syntax.alternatives.filter(\.namesDash).map(\.code)
        dashed = named.isEmpty ? nil : PatternProgram(try .anyOf(named), sets: syntax.sets)
    }

    /// How many positions its code has.
    var size: Int { whole.size + (dashed?.size ?? 0) }

    /// - Parameter work: what is left for the value's request, which all its values share: each
    ///   alone could be cheap, and 64 of them hold up a loop.
    func verdict(on value: String, _ work: inout MatchingWork) -> Verdict {
        if value.utf8.contains(0) { return .hasNUL }
        guard value.utf8.first == UInt8(ascii: "-") else {
            return verdict(of: whole.run(value, &work))
        }
        // Otherwise a program could take a value for an option that nobody meant to allow.
        guard let dashed else { return .hasForbiddenDash }
        let verdict = verdict(of: dashed.run(value, &work))
        guard verdict == .differs else { return verdict }
        let other = self.verdict(of: whole.run(value, &work))
        return other == .matches ? .hasForbiddenDash : other
    }

    private func verdict(of outcome: PatternProgram.Outcome) -> Verdict {
        switch outcome {
        case .matches: .matches
        case .differs: .differs
        case .exhausted: .tooMuchWork
        }
    }
}
