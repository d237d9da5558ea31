// Why a system call has failed.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// An `errno`, printed in the system's own words.
public struct Errno: Error, Hashable, Sendable, CustomStringConvertible {
    /// The number, as errno(3) lists it.
    public let number: Int32

    /// That of a number which a call has returned or left in a report.
    public init(_ number: Int32) { self.number = number }

    /// That of the call which has just failed in this thread.
    public static var last: Errno { Errno(errno) }

    /// As strerror(3) has it.
    public var description: String { unsafe String(cString: strerror(number)) }
}
