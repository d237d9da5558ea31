// Why a JSON5 file can't be used.
// SPDX-License-Identifier: Apache-2.0
public import System

/// The first mistake in a JSON5 file, found before any of it takes effect: at a position in the file's text, or
/// about the file itself.
public typealias TextError = Fault<Texts>

/// The domain of `TextError`. Layers above add the codes of their files.
public enum Texts: FaultDomain {}

extension TextError {
    /// From 1; nil if the mistake is about the file and not in its text.
    public var line: Int? { place?.line }
    /// In Unicode scalars, from 1; nil if `line` is.
    public var column: Int? { place?.column }

    /// A mistake in a file's text.
    init(_ code: Code, file: String, at place: TextPlace, _ sentence: String, cause: Cause?) {
        let file = escaped(file, limit: 4_096)
        self.init(
            code, in: FilePlace(file, line: place.line, column: place.column), sentence,
            cause: cause)
    }

    /// A file that can't or must not be read.
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

    /// A mistake about the file itself.
    init(_ code: Code, file: String, _ sentence: String, cause: Cause? = nil) {
        self.init(code, in: FilePlace(escaped(file, limit: 4_096)), sentence, cause: cause)
    }
}

extension TextError.Code {
    /// There is no such file.
    public static var missing: Self { Self(rawValue: "missing") }
    /// The file can't be read, is not a regular file, or is too large.
    public static var unreadable: Self { Self(rawValue: "unreadable") }
    /// The file is not UTF-8.
    public static var notText: Self { Self(rawValue: "notText") }
    /// Someone other than its owner can write to the file, or to its folder.
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
    /// A key that conflicts with another one, such as `allow` with `reply` in a command table.
    public static var conflictingKey: Self { Self(rawValue: "conflictingKey") }
    /// A JSON type that is not the key's.
    public static var wrongType: Self { Self(rawValue: "wrongType") }
    /// A value of the right type that is out of its range, or a text that is too long.
    public static var invalidValue: Self { Self(rawValue: "invalidValue") }
    /// An invalid name, such as that of a command, a group or a host.
    public static var invalidName: Self { Self(rawValue: "invalidName") }
}
