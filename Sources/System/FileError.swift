// Why a file that decides something can't be used.
// SPDX-License-Identifier: Apache-2.0

/// A file that was refused, or that could not be read. Its `sentence` says what is wrong with which file
/// or folder and how to fix it; the description puts the path in front of it.
package typealias FileError = Fault<Files>

/// The domain of `FileError`.
package enum Files: FaultDomain {}

extension FileError {
    /// The file, as it was named.
    package var path: String { place?.file ?? "" }

    init(_ code: Code, _ path: String, _ sentence: String, _ reason: Errno? = nil) {
        self.init(code, in: FilePlace(path), sentence, cause: reason.map { .system($0) })
    }
}

extension FileError.Code {
    /// There is no such file, or a folder on the way to it is missing.
    package static var missing: Self { Self(rawValue: "missing") }
    /// It can't be opened, reached or read.
    package static var unreadable: Self { Self(rawValue: "unreadable") }
    /// It is not of the required kind: a folder, a device, a socket.
    package static var notRegular: Self { Self(rawValue: "notRegular") }
    package static var tooLarge: Self { Self(rawValue: "tooLarge") }
    /// The file, a folder above it or a link on the way belongs to neither root nor this user.
    package static var foreignOwner: Self { Self(rawValue: "foreignOwner") }
    /// Somebody else could write to the file, or replace it.
    package static var writableByOthers: Self { Self(rawValue: "writableByOthers") }
    /// Somebody else could read a secret.
    package static var readableByOthers: Self { Self(rawValue: "readableByOthers") }
    /// It is not what it would be replaced by a newer version of.
    package static var notOurs: Self { Self(rawValue: "notOurs") }
    /// Another process keeps writing it.
    package static var inUse: Self { Self(rawValue: "inUse") }
    /// It can't be given to the group that is to read it.
    package static var notLent: Self { Self(rawValue: "notLent") }
}
