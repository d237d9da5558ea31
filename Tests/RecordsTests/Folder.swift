// A folder for a test's files.
// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Glibc
import Testing

/// A folder of the test's own, which nobody else may read; gone with it.
final class Folder: Sendable {
    private let path: String

    init() throws {
        var template = Array("/tmp/parley-records-XXXXXX".utf8CString)
        let isMade = unsafe mkdtemp(&template) != nil
        try #require(isMade)
        path = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    subscript(name: String) -> String { "\(path)/\(name)" }

    func read(_ name: String) -> String {
        String(decoding: FileManager.default.contents(atPath: self[name]) ?? Data(), as: UTF8.self)
    }

    /// Nil where there is no such file.
    func mode(_ name: String) -> mode_t? {
        var status = stat()
        return unsafe stat(self[name], &status) == 0 ? status.st_mode & 0o777 : nil
    }

    func rename(_ name: String, to other: String) {
        #expect(unsafe Glibc.rename(self[name], self[other]) == 0)
    }
}
