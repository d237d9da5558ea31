// Why a file that decides something can't be used.
// SPDX-License-Identifier: Apache-2.0

/// A file that was refused, or that could not be read.
package struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, for programs; more kinds may come.
    package struct Code: Hashable, Sendable, RawRepresentable {
        package let rawValue: String
        package init(rawValue: String) { self.rawValue = rawValue }
    }

    package let code: Code
    /// The file, as it was given.
    package let path: String
    /// One sentence without its full stop: what is wrong with which file or folder, and what mends
    /// it. The path isn't in front of it.
    package let sentence: String

    /// The path and the sentence.
    package var description: String { "\(path): \(sentence)" }

    init(_ code: Code, _ path: String, _ sentence: String) {
        self.code = code
        self.path = path
        self.sentence = sentence
    }
}

extension FileError.Code {
    /// There is no such file, or a folder on its way is missing.
    package static let missing = Self(rawValue: "missing")
    /// It can't be opened, reached or read.
    package static let unreadable = Self(rawValue: "unreadable")
    /// It is not of the kind that is wanted: a folder, a device, a socket.
    package static let notRegular = Self(rawValue: "notRegular")
    package static let tooLarge = Self(rawValue: "tooLarge")
    /// The file, a folder above it or a link on its way belongs to neither root nor this user.
    package static let foreignOwner = Self(rawValue: "foreignOwner")
    /// Somebody else could write the file, or put another in its place.
    package static let writableByOthers = Self(rawValue: "writableByOthers")
    /// Somebody else could read a secret.
    package static let readableByOthers = Self(rawValue: "readableByOthers")
}
