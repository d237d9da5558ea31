// Why a command table can't be used.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// The first mistake of a command table, found before anything of it is in force.
public struct TableError: Error, Hashable, Sendable, CustomStringConvertible {
    public struct Code: Hashable, Sendable, RawRepresentable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
    }

    public let code: Code
    /// From 1; nil where the mistake is the file's and not in its text.
    public let line: Int?
    /// In Unicode scalars, from 1; nil where `line` is.
    public let column: Int?
    /// `FILE:LINE:COLUMN: ` and one sentence without its full stop: what is wrong; what was
    /// expected. `FILE: ` alone where the mistake is the file's.
    public let description: String

    /// A mistake in a file's text.
    init(_ mistake: Mistake, in text: String, name: String) {
        let place = mistake.place(in: text)
        code = mistake.code
        line = place.line
        column = place.column
        description =
            "\(escaped(name, limit: 4_096)):\(place.line):\(place.column): \(mistake.sentence)"
    }

    /// A file that can't be read, or must not be.
    init(_ error: FileError) {
        let code: Code =
            switch error.code {
            case .missing: .missing
            case .foreignOwner: .foreignOwner
            case .writableByOthers: .writableByOthers
            default: .unreadable
            }
        self.init(code, file: error.path, error.sentence)
    }

    /// A mistake of a file itself.
    init(_ code: Code, file: String, _ sentence: String) {
        self.code = code
        line = nil
        column = nil
        description = "\(escaped(file, limit: 4_096)): \(sentence)"
    }
}

extension TableError.Code {
    /// There is no such file.
    public static let missing = Self(rawValue: "missing")
    /// The file can't be read, or is no regular file, or is too large.
    public static let unreadable = Self(rawValue: "unreadable")
    /// The file is not UTF-8.
    public static let notText = Self(rawValue: "notText")
    /// Somebody else than its owner can write the file, or in its folder.
    public static let writableByOthers = Self(rawValue: "writableByOthers")
    /// The file or its folder belongs to neither root nor this user.
    public static let foreignOwner = Self(rawValue: "foreignOwner")
    /// The text is not JSON5.
    public static let syntax = Self(rawValue: "syntax")
    public static let tooDeep = Self(rawValue: "tooDeep")
    public static let tooMany = Self(rawValue: "tooMany")
    public static let duplicateKey = Self(rawValue: "duplicateKey")
    public static let unknownKey = Self(rawValue: "unknownKey")
    public static let missingKey = Self(rawValue: "missingKey")
    /// A key beside one that it doesn't go with, such as `allow` beside `reply`.
    public static let conflictingKey = Self(rawValue: "conflictingKey")
    /// A JSON type that is not the key's.
    public static let wrongType = Self(rawValue: "wrongType")
    /// A value of the right type that is out of its range, or a text that is too long.
    public static let invalidValue = Self(rawValue: "invalidValue")
    /// A command's, group's or argument's name.
    public static let invalidName = Self(rawValue: "invalidName")
    public static let reservedName = Self(rawValue: "reservedName")
    /// The program is not there, not executable, or no absolute path.
    public static let invalidProgram = Self(rawValue: "invalidProgram")
    /// A `{name}` where none may stand.
    public static let invalidPlaceholder = Self(rawValue: "invalidPlaceholder")
    /// A `{name}` without its pattern.
    public static let undefinedArgument = Self(rawValue: "undefinedArgument")
    /// A pattern without its `{name}`.
    public static let unusedArgument = Self(rawValue: "unusedArgument")
    public static let invalidPattern = Self(rawValue: "invalidPattern")
    public static let invalidIdentity = Self(rawValue: "invalidIdentity")
    public static let unknownGroup = Self(rawValue: "unknownGroup")
    public static let groupCycle = Self(rawValue: "groupCycle")
}
