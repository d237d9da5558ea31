// A warning about a valid table.
// SPDX-License-Identifier: Apache-2.0
internal import JSON5
internal import System

/// Something in a valid table that its author may not have intended.
public struct TableWarning: Hashable, Sendable, CustomStringConvertible {
    /// The kind of warning, for programs; more kinds may be added.
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
    /// A `deny` by name together with `anyone`.
    public static let deniedName = Self(rawValue: "deniedName")
    /// A secret is among the program's arguments.
    public static let secretInArguments = Self(rawValue: "secretInArguments")
    /// An optional command's program does not exist.
    public static let unavailable = Self(rawValue: "unavailable")
    /// A program may be executed but not read, so it was not checked whether it can start.
    public static let unseenProgram = Self(rawValue: "unseenProgram")
    /// It was not checked whether a limit can be enforced.
    public static let unseenLimit = Self(rawValue: "unseenLimit")
}
