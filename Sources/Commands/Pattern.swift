// What an argument's value must look like.
// SPDX-License-Identifier: Apache-2.0

/// A POSIX extended regular expression that must match a whole value, byte by byte.
struct Pattern: Sendable {
    enum Verdict: Hashable, Sendable { case matches, differs, hasForbiddenDash, hasNUL }

    let text: String
    private let whole: String
    /// What a value that begins with `-` must match; nil where none may.
    private let dashed: String?

    /// - Parameter text: without control characters.
    init(_ text: String) throws(PatternSyntax.Fault) {
        let syntax = try PatternSyntax(text)
        self.text = text
        whole = Self.anchored(text)
        let named = syntax.alternatives.filter { alternative in
            ["-", "\\-", "[-"].contains { alternative.utf8.starts(with: $0.utf8) }
        }
        dashed = named.isEmpty ? nil : Self.anchored(named.joined(separator: "|"))
        // The bare one first: what is wrong with it must not be mended by what is put around it.
        for expression in [text, whole, dashed ?? whole] {
            do throws(RegularExpression.Refusal) {
                _ = try RegularExpression(expression)
            } catch {
                throw .init(
                    sentence:
                        "it is refused (\(error.reason)); expected a POSIX extended regular expression"
                )
            }
        }
    }

    func verdict(on value: String) -> Verdict {
        if value.utf8.contains(0) { return .hasNUL }
        guard value.utf8.first == UInt8(ascii: "-") else {
            return Self.matches(whole, value) ? .matches : .differs
        }
        // Otherwise a value could be taken for an option that nobody meant to allow.
        guard let dashed else { return .hasForbiddenDash }
        if Self.matches(dashed, value) { return .matches }
        return Self.matches(whole, value) ? .hasForbiddenDash : .differs
    }

    private static func anchored(_ text: String) -> String { "^(\(text))$" }

    /// Compiles anew each time, which is little beside a program's start: glibc keeps in the
    /// compiled expression a state for what it has met, so that clients could make one grow.
    private static func matches(_ expression: String, _ value: String) -> Bool {
        (try? RegularExpression(expression))?.matches(value) ?? false
    }
}
