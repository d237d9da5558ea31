// The client's configuration: what it knows about hosts.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import JSON5
internal import System

/// The configuration that is in force, read once and without a mistake.
package struct HostsConfiguration: Sendable {
    /// The first has precedence.
    private let files: [HostsFile]

    init(_ files: [HostsFile]) { self.files = files }

    /// Reads a named file, or that which `PARLEY_CONFIG` names, and no other; else the user's file and then the
    /// system's, as far as they exist.
    ///
    /// - Parameter path: what the command line names, if anything.
    /// - Throws: `TextError`: one mistake in any of them, and none counts.
    package init(named path: String?) throws(TextError) {
        if let path {
            files = [try HostsFile(path)]
        } else if let path = Self.ofEnvironment {
            files = [try Self.file(path, "PARLEY_CONFIG names this file")]
        } else {
            var files: [HostsFile] = []
            for (folder, why, isUsers) in [
                // Whoever uses sudo may not know.
                (UserFolder.configuration, "XDG_CONFIG_HOME or HOME leads to this file", true),
                (SystemFolder.configuration, "it is read for every user", false),
            ] {
                let path = folder.map { "\($0)/config.json5" }
                if let path, Self.mayExist(path, isUsers: isUsers) {
                    files.append(try Self.file(path, why))
                }
            }
            self.files = files
        }
    }

    /// - Parameter why: said of a file that can't be read, since the user has not named it.
    private static func file(_ path: String, _ why: String) throws(TextError) -> HostsFile {
        do throws(TextError) {
            return try HostsFile(path)
        } catch {
            throw error.line == nil ? error.saying("\(error.sentence) (\(why))") : error
        }
    }

    /// What is in force for a host.
    ///
    /// - Parameter host: as the user named it, without a port.
    package func settings(for host: String) -> HostSettings {
        var settings = HostSettings()
        for file in files {
            for entry in file.entries where entry.patterns.match(host) {
                settings.add(entry, of: file)
            }
        }
        return settings
    }

    /// The hosts that have a name and not only a pattern, each once, in their order.
    package var names: [String] {
        var seen: Set<String> = []
        return files.flatMap(\.entries).flatMap(\.patterns.names)
            .filter { seen.insert($0).inserted }
    }

    /// What `PARLEY_CONFIG` names; nil if it names nothing.
    package static var ofEnvironment: String? {
        let text = unsafe getenv("PARLEY_CONFIG").map { unsafe String(cString: $0) }
        return text?.isEmpty == true ? nil : text
    }

    /// A link that leads nowhere exists, and so is reported: without the file, less might be verified. A home that this
    /// user may not search, which another user's environment has left it, is not this user's: nothing there was meant
    /// for it.
    private static func mayExist(_ path: String, isUsers: Bool) -> Bool {
        var status = stat()
        guard unsafe lstat(path, &status) != 0 else { return true }
        return errno != ENOENT && errno != ENOTDIR && !(isUsers && errno == EACCES)
    }
}
