// How a process ended, as wait(2) tells it.
// SPDX-License-Identifier: Apache-2.0

/// How a program ended.
public enum ProgramEnd: Hashable, Sendable {
    /// It exited with a status.
    case status(UInt8)
    /// A signal of that number ended it.
    case signal(UInt8)
}
