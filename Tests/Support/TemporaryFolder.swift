// A folder of one test's own.
// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A folder in the folder for temporary files, whose mode is 0700 whatever the umask is; gone with
/// its last reference.
final class TemporaryFolder: Sendable {
    /// Without links in it, as sentences have it.
    let path: String

    init() throws(NoFile) { path = try Self.make() }

    /// Makes a folder that `remove` has to take away.
    ///
    /// - Parameter parent: nil for the folder for temporary files.
    static func make(in parent: String? = nil) throws(NoFile) -> String {
        let usual = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        let parent = parent ?? usual
        var template = Array("\(parent)/parley-test-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil, let resolved = unsafe realpath(template, nil) else {
            throw NoFile("cannot make a folder in \(parent)")
        }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    deinit { Self.remove(path) }

    subscript(name: String) -> String { name.isEmpty ? path : "\(path)/\(name)" }

    func folder(_ name: String, _ mode: mode_t = 0o755) throws(NoFile) {
        try check(unsafe mkdir(self[name], 0o700), "make", name)
        try self.mode(name, mode)
    }

    /// A file, in place of one that has the name.
    func file(
        _ name: String, _ mode: mode_t = 0o644, _ text: String = "text"
    ) throws(NoFile) {
        try file(name, mode, bytes: Array(text.utf8))
    }

    func file(_ name: String, _ mode: mode_t = 0o644, bytes: [UInt8]) throws(NoFile) {
        try write(bytes, to: self[name])
        try self.mode(name, mode)
    }

    func link(_ name: String, _ target: String) throws(NoFile) {
        try check(unsafe symlink(target, self[name]), "make", name)
    }

    func mode(_ name: String, _ mode: mode_t) throws(NoFile) {
        try check(unsafe chmod(self[name], mode), "change", name)
    }

    func owner(_ name: String, _ owner: uid_t, _ group: gid_t = 0) throws(NoFile) {
        try check(unsafe lchown(self[name], owner, group), "give away", name)
    }

    private func check(_ result: Int32, _ verb: String, _ name: String) throws(NoFile) {
        guard result == 0 else { throw NoFile("cannot \(verb) \(self[name])") }
    }

    /// Removes a file, or a folder with all that is in it.
    static func remove(_ path: String) {
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
