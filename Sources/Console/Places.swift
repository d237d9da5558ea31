// The folders where certificates are looked for.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import System

/// Where files are looked for that no option names. Not the current folder: anyone who can write
/// there could make us trust their CA.
struct Places: Sendable {
    /// In order of preference.
    let folders: [String]

    /// - Parameters:
    ///   - named: `--certs`, which is the only one then.
    ///   - forUser: whether the user's own folder comes before the system's.
    init(named: String?, forUser: Bool) {
        if let named {
            folders = [named]
        } else {
            let ofUser = forUser ? UserFolder.configuration.map { [$0] } ?? [] : []
            folders = ofUser + [SystemFolder.configuration]
        }
    }

    /// The first folder that has the file; nil if none has.
    func folder(with name: String) -> String? {
        folders.first { Self.mayExist("\($0)/\(name)") }
    }

    /// A file that can't be examined counts as existing, so that reading it reports the error.
    private static func mayExist(_ path: String) -> Bool {
        unsafe access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR)
    }
}
