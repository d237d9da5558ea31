// Why a client's arguments are refused.
// SPDX-License-Identifier: Apache-2.0

/// One argument, or their number, is not what the table says.
public struct BadArgument: Error, Hashable, Sendable, CustomStringConvertible {
    public struct Code: Hashable, Sendable, RawRepresentable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
    }

    public let code: Code
    /// One sentence without its full stop. It never contains the value, which may be a secret or
    /// made to deceive.
    public let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}

extension BadArgument.Code {
    /// More or fewer than the command takes.
    public static let wrongCount = Self(rawValue: "wrongCount")
    public static let differs = Self(rawValue: "differs")
    /// It begins with `-`, and its pattern names none.
    public static let forbiddenDash = Self(rawValue: "forbiddenDash")
    /// It and those before it can't be compared with their patterns in a bounded time.
    public static let tooMuchWork = Self(rawValue: "tooMuchWork")
    public static let containsNUL = Self(rawValue: "containsNUL")
}
