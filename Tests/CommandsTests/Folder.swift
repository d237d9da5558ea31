// A folder for a test's files.
// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Glibc
import Testing

/// A folder of the test's own, gone with it.
final class Folder: Sendable {
    private let path: String

    init() {
        var template = Array("/tmp/parley-commands-XXXXXX".utf8CString)
        unsafe mkdtemp(&template)
        path = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    subscript(name: String) -> String { name.isEmpty ? path : "\(path)/\(name)" }

    func write(_ name: String, _ text: some StringProtocol) {
        write(name, bytes: Array(text.utf8))
    }

    func write(_ name: String, bytes: [UInt8]) {
        let descriptor = unsafe open(self[name], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        #expect(descriptor >= 0)
        #expect(unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
        close(descriptor)
    }

    func make(_ name: String) { unsafe mkdir(self[name], 0o700) }

    func link(_ name: String, to target: String) { unsafe symlink(target, self[name]) }

    func change(_ name: String, _ mode: mode_t) { unsafe chmod(self[name], mode) }
}
