// A string or a number of a JSON5 text, as far as it can be read.
// SPDX-License-Identifier: Apache-2.0

/// Tells what spoils a value from what spoils the whole text.
enum JSON5Literal<Value: Sendable>: Sendable {
    case value(Value)
    /// Its ends are clear, but it has no value; the caller that asks for it says what is expected.
    case unreadable
    /// Readers would differ in where it ends, so that nothing after it can be trusted either.
    case malformed
}
