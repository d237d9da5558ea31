// A string or a number of a JSON5 text, as far as it can be read.
// SPDX-License-Identifier: Apache-2.0

/// Tells what spoils a value from what spoils the whole text.
enum JSON5Literal<Value: Sendable>: Sendable {
    case value(Value)
    /// It begins and ends as it should and has no value: who asks for it can say what is expected.
    case unreadable
    /// It does not end as it should, so that nobody knows what was meant by what follows.
    case malformed
}
