// The folders where certificates are looked for.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import System

/// Where a file is looked for that nobody has named. The current folder is none of them: whoever can
/// write there could have a stranger's CA trusted.
struct Places: Sendable {
    /// The first one first.
    let folders: [String]

    /// - Parameters:
    ///   - named: `--certs`, which is the only one then.
    ///   - forUser: whether the user's own folder comes before the system's.
    init(named: String?, forUser: Bool) {
        if let named {
            folders = [named]
        } else {
            let system = "/etc/parley"
            let ofUser = forUser ? UserFolder.configuration.map { [$0] } ?? [] : []
            folders = ofUser + [system]
        }
    }

    /// The first folder that has the file; nil where none has.
    func folder(with name: String) -> String? {
        folders.first { Self.mayExist("\($0)/\(name)") }
    }

    /// A file that can't be looked at is read, and its error told.
    private static func mayExist(_ path: String) -> Bool {
        unsafe access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR)
    }
}
