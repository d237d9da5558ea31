// A folder for a test's files.
// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Glibc
import Testing

@testable import TestSupport

/// A folder of the test's own, which nobody else may read; gone with it.
final class Folder: Sendable {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    subscript(name: String) -> String { folder[name] }

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
