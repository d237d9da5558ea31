// Reads a JSON5 file, if only its owner could have written it.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// A file that decides something, such as which programs run, and so must not be writable by anyone else.
package enum JSON5File {
    /// The text of a file of at most 1 MiB.
    ///
    /// - Throws: `missing`, `unreadable`, `notText`, `writableByOthers`, `foreignOwner`.
    package static func read(_ path: String) throws(TextError) -> String {
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try TrustedFile.read(path, limit: sizeLimit)
        } catch {
            throw TextError(error)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw TextError(.notText, file: path, "it is not valid UTF-8; save it as UTF-8")
        }
        return text
    }

    /// Thousands of commands or hosts fit.
    private static let sizeLimit = 1 << 20
}
