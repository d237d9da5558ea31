// What a file is for.
// SPDX-License-Identifier: Apache-2.0

/// What a file is for, which decides what else is asked of it.
package enum FileUse: Sendable {
    /// A regular file that anybody may read.
    case decision
    /// A regular file that nobody else may read; where it is root's, its group may.
    case secret
    /// A regular file, which this user need not be able to read.
    case program
    /// A regular file, a named pipe or a device; made with mode 0600 where there is none.
    case record
    /// The same, which nobody else may read.
    case secretRecord
}
