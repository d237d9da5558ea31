// A string or a number of a JSON5 text, as far as it can be read.
// SPDX-License-Identifier: Apache-2.0

/// Distinguishes what invalidates a value from what invalidates the whole text.
enum JSON5Literal<Value: Sendable>: Sendable {
    case value(Value)
    /// It is clear where it ends, but it has no value; the caller that asks for it says what is
    /// expected.
    case unreadable
    /// Readers would disagree about where it ends, so nothing after it can be trusted either.
    case malformed
}
