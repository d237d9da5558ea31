// Why a system call has failed.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// An `errno`, printed in the system's own words.
public struct Errno: Error, Hashable, Sendable, CustomStringConvertible {
    /// The number, as errno(3) lists it.
    public let number: Int32

    /// From a number that a call has returned or left in a report.
    public init(_ number: Int32) { self.number = number }

    /// From the call that has just failed in this thread.
    public static var last: Errno { Errno(errno) }

    /// As printed by strerror(3).
    public var description: String { unsafe String(cString: strerror(number)) }
}
