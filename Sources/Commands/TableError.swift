// Why a command table can't be used.
// SPDX-License-Identifier: Apache-2.0
public import System

/// The first mistake of a command table, found before anything of it is in force: at its place in the
/// file's text, or of the file itself.
public typealias TableError = Fault<Tables>

/// The domain of `TableError`.
public enum Tables: FaultDomain {}

extension TableError {
    /// From 1; nil where the mistake is the file's and not in its text.
    public var line: Int? { place?.line }
    /// In Unicode scalars, from 1; nil where `line` is.
    public var column: Int? { place?.column }

    /// A mistake in a file's text.
    init(_ code: Code, file: String, at place: TextPlace, _ sentence: String, cause: Cause?) {
        let file = escaped(file, limit: 4_096)
        self.init(
            code, in: FilePlace(file, line: place.line, column: place.column), sentence,
            cause: cause)
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
        self.init(code, file: error.path, error.sentence, cause: error.cause)
    }

    /// A mistake of a file itself.
    init(_ code: Code, file: String, _ sentence: String, cause: Cause? = nil) {
        self.init(code, in: FilePlace(escaped(file, limit: 4_096)), sentence, cause: cause)
    }
}

extension TableError.Code {
    /// There is no such file.
    public static var missing: Self { Self(rawValue: "missing") }
    /// The file can't be read, or is no regular file, or is too large.
    public static var unreadable: Self { Self(rawValue: "unreadable") }
    /// The file is not UTF-8.
    public static var notText: Self { Self(rawValue: "notText") }
    /// Somebody else than its owner can write the file, or in its folder.
    public static var writableByOthers: Self { Self(rawValue: "writableByOthers") }
    /// The file or its folder belongs to neither root nor this user.
    public static var foreignOwner: Self { Self(rawValue: "foreignOwner") }
    /// The text is not JSON5.
    public static var syntax: Self { Self(rawValue: "syntax") }
    public static var tooDeep: Self { Self(rawValue: "tooDeep") }
    public static var tooMany: Self { Self(rawValue: "tooMany") }
    public static var duplicateKey: Self { Self(rawValue: "duplicateKey") }
    public static var unknownKey: Self { Self(rawValue: "unknownKey") }
    public static var missingKey: Self { Self(rawValue: "missingKey") }
    /// A key beside one that it doesn't go with, such as `allow` beside `reply`.
    public static var conflictingKey: Self { Self(rawValue: "conflictingKey") }
    /// A JSON type that is not the key's.
    public static var wrongType: Self { Self(rawValue: "wrongType") }
    /// A value of the right type that is out of its range, or a text that is too long.
    public static var invalidValue: Self { Self(rawValue: "invalidValue") }
    /// A command's, group's or argument's name.
    public static var invalidName: Self { Self(rawValue: "invalidName") }
    public static var reservedName: Self { Self(rawValue: "reservedName") }
    /// The program is not there, not executable, or no absolute path.
    public static var invalidProgram: Self { Self(rawValue: "invalidProgram") }
    /// A `{name}` where none may stand.
    public static var invalidPlaceholder: Self { Self(rawValue: "invalidPlaceholder") }
    /// A `{name}` without its pattern.
    public static var undefinedArgument: Self { Self(rawValue: "undefinedArgument") }
    /// A pattern without its `{name}`.
    public static var unusedArgument: Self { Self(rawValue: "unusedArgument") }
    /// There is no user of this name.
    public static var unknownUser: Self { Self(rawValue: "unknownUser") }
    /// A user that this process can't start programs as.
    public static var impossibleUser: Self { Self(rawValue: "impossibleUser") }
    /// A limit that can't be in force here.
    public static var impossibleLimit: Self { Self(rawValue: "impossibleLimit") }
    public static var invalidPattern: Self { Self(rawValue: "invalidPattern") }
    public static var invalidIdentity: Self { Self(rawValue: "invalidIdentity") }
    public static var unknownGroup: Self { Self(rawValue: "unknownGroup") }
    public static var groupCycle: Self { Self(rawValue: "groupCycle") }
}
