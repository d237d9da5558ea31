// What is gathered while a table is read.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// What commands share, and what is to be said of a table that is good.
struct TableNotes {
    var patterns = PatternStock()
    private(set) var warnings: [(code: TableWarning.Code, offset: Int, sentence: String)] = []
    /// Those that there was no room for.
    private(set) var omitted = 0

    /// - Parameter sentence: without its full stop, and without control characters.
    mutating func warn(_ code: TableWarning.Code, _ offset: Int, _ sentence: String) {
        guard warnings.count < Self.mostWarnings else {
            omitted += 1
            return
        }
        warnings.append((code, offset, sentence))
    }

    /// Each is looked for in the text, which takes its length; nobody reads more.
    private static let mostWarnings = 100
}

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
        let place = Mistake(.syntax, at: warning.offset, "").place(in: text)
        code = warning.code
        (line, column) = place
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
}
