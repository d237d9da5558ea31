// What records say of an argument.
// SPDX-License-Identifier: Apache-2.0

/// An argument of a command, as far as a record may know it.
package enum RecordedArgument: Hashable, Sendable {
    case open(String)
    /// One that the table calls secret, or of which that isn't known: its length in bytes.
    case secret(length: Int)

    package init(_ text: String, isSecret: Bool) {
        self = isSecret ? .secret(length: text.utf8.count) : .open(text)
    }
}
