// Why a client's arguments are refused.
// SPDX-License-Identifier: Apache-2.0
public import System

/// An argument, or the number of arguments, is not what the table says. The sentence never contains
/// the value, which may be secret or meant to deceive.
public typealias BadArgument = Fault<Arguments>

/// The domain of `BadArgument`.
public enum Arguments: FaultDomain {}

extension BadArgument.Code {
    /// More or fewer than the command takes.
    public static var wrongCount: Self { Self(rawValue: "wrongCount") }
    public static var differs: Self { Self(rawValue: "differs") }
    /// It begins with `-`, which its pattern does not allow.
    public static var forbiddenDash: Self { Self(rawValue: "forbiddenDash") }
    /// It and those before it can't be compared with their patterns in a bounded time.
    public static var tooMuchWork: Self { Self(rawValue: "tooMuchWork") }
    /// It wasn't compared, since the client's share of comparing is used up for now.
    public static var shareUsedUp: Self { Self(rawValue: "shareUsedUp") }
    public static var containsNUL: Self { Self(rawValue: "containsNUL") }
}
