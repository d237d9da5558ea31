// Reads a table's file, if only its owner could have written it.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// A file that decides which programs run, and so must not be writable by anyone else.
enum TableFile {
    /// The text of a file.
    ///
    /// - Throws: `missing`, `unreadable`, `notText`, `writableByOthers`, `foreignOwner`.
    static func read(_ path: String) throws(TableError) -> String {
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try TrustedFile.read(path, limit: sizeLimit)
        } catch {
            throw TableError(error)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw TableError(.notText, file: path, "it is not valid UTF-8; save it as UTF-8")
        }
        return text
    }

    /// Thousands of commands fit.
    private static let sizeLimit = 1 << 20
}
