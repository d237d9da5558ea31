// A warning of a table that is good.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// What a good table has that its author may not have meant.
public struct TableWarning: Hashable, Sendable, CustomStringConvertible {
    /// What is warned of, for programs; more kinds may come.
    public struct Code: Hashable, Sendable, RawRepresentable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
    }

    /// What to branch on.
    public let code: Code
    /// From 1, as in an editor.
    public let line: Int
    /// In Unicode scalars, from 1.
    public let column: Int
    /// `FILE:LINE:COLUMN: ` and one sentence without its full stop.
    public let description: String

    init(
        _ warning: (code: Code, offset: Int, sentence: String), in text: String, name: String
    ) {
        let place = TextPlace(of: warning.offset, in: text)
        code = warning.code
        line = place.line
        column = place.column
        description =
            "\(escaped(name, limit: 4_096)):\(line):\(column): \(warning.sentence)"
    }
}

extension TableWarning.Code {
    /// Nobody may run the command.
    public static let nobody = Self(rawValue: "nobody")
    /// A `deny` by name beside `anyone`.
    public static let deniedName = Self(rawValue: "deniedName")
    /// A secret stands in the program's arguments.
    public static let secretInArguments = Self(rawValue: "secretInArguments")
    /// An optional command's program is not there.
    public static let unavailable = Self(rawValue: "unavailable")
    /// A program may be executed and not be read, so that it was not seen whether it can start.
    public static let unseenProgram = Self(rawValue: "unseenProgram")
    /// It was not looked at whether a limit can be in force.
    public static let unseenLimit = Self(rawValue: "unseenLimit")
}
