// How a process ended, as reported by wait(2).
// SPDX-License-Identifier: Apache-2.0

/// How a program ended.
public enum ProgramEnd: Hashable, Sendable {
    /// It exited with a status.
    case status(UInt8)
    /// A signal with that number ended it.
    case signal(UInt8)
}
