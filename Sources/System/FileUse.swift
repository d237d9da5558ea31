// What a file is for.
// SPDX-License-Identifier: Apache-2.0

/// What a file is for, which decides what else is required of it.
package enum FileUse: Sendable {
    /// A regular file that anybody may read.
    case decision
    /// A regular file that nobody else may read; if it is root's, its group may.
    case secret
    /// A regular file that this user need not be able to read.
    case program
    /// A regular file, a named pipe or a device; created with mode 0600 if there is none.
    case record
    /// The same, but nobody else may read it.
    case secretRecord
    /// A regular file that is replaced by another one.
    case replacement
}
