// A folder of one test's own.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

/// A folder in the folder for temporary files, whose mode is 0700 whatever the umask is; gone with
/// its last reference.
final class Sandbox: Sendable {
    let path: String

    init() throws {
        let parent = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/parley-system-XXXXXX".utf8CString)
        let isMade = unsafe mkdtemp(&template) != nil
        try #require(isMade)
        // Without links in it, as sentences have it.
        let resolved = unsafe try #require(realpath(template, nil))
        path = unsafe String(cString: resolved)
        unsafe free(resolved)
    }

    deinit { Self.remove(path) }

    subscript(name: String) -> String { name.isEmpty ? path : "\(path)/\(name)" }

    func folder(_ name: String, _ mode: mode_t = 0o755) throws {
        try #require(unsafe mkdir(self[name], 0o700) == 0)
        try #require(unsafe chmod(self[name], mode) == 0)
    }

    func file(_ name: String, _ mode: mode_t = 0o644, _ text: String = "text") throws {
        let number = unsafe open(self[name], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        try #require(number >= 0)
        defer { close(number) }
        let bytes = Array(text.utf8)
        try #require(unsafe write(number, bytes, bytes.count) == bytes.count)
        try #require(fchmod(number, mode) == 0)
    }

    func link(_ name: String, _ target: String) throws {
        try #require(unsafe symlink(target, self[name]) == 0)
    }

    func mode(_ name: String, _ mode: mode_t) throws {
        try #require(unsafe chmod(self[name], mode) == 0)
    }

    func owner(_ name: String, _ owner: uid_t, _ group: gid_t = 0) throws {
        try #require(unsafe lchown(self[name], owner, group) == 0)
    }

    private static func remove(_ path: String) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return }
        if status.st_mode & S_IFMT == S_IFDIR {
            unsafe chmod(path, 0o700)
            if let folder = unsafe opendir(path) {
                var names: [String] = []
                while let entry = unsafe readdir(folder) {
                    let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) {
                        unsafe String(
                            decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                    }
                    if name != "." && name != ".." { names.append(name) }
                }
                unsafe closedir(folder)
                for name in names { remove("\(path)/\(name)") }
            }
        }
        unsafe Glibc.remove(path)
    }
}
