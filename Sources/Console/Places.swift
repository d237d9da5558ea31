// The folders where certificates are looked for.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Where a file is looked for that nobody has named. The current folder is none of them: whoever can
/// write there could have a stranger's CA trusted.
struct Places: Sendable {
    /// The first one first.
    let folders: [String]

    /// - Parameter named: `--certs`, which is the only one then.
    init(named: String?, role: SecurityOptions.Role) {
        if let named {
            folders = [named]
        } else {
            let system = "/etc/parley"
            folders = role == .client ? (Self.ofUser.map { [$0] } ?? []) + [system] : [system]
        }
    }

    /// The first folder that has the file; nil where none has.
    func folder(with name: String) -> String? {
        folders.first { Self.mayExist("\($0)/\(name)") }
    }

    /// The user's own, by the XDG Base Directory Specification, which ignores what is not absolute.
    private static var ofUser: String? {
        func absolute(_ name: String) -> String? {
            let text = unsafe getenv(name).map { unsafe String(cString: $0) }
            return text.flatMap { $0.utf8.first == UInt8(ascii: "/") ? $0 : nil }
        }
        let base = absolute("XDG_CONFIG_HOME") ?? absolute("HOME").map { "\($0)/.config" }
        return base.map { "\($0)/parley" }
    }

    /// A file that can't be looked at is read, and its error told.
    private static func mayExist(_ path: String) -> Bool {
        unsafe access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR)
    }
}
