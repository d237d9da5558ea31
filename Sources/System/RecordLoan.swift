// A record that a group may read.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// Gives the files that records are appended to to a group that may read them. They then have mode 0640, whatever
/// they had before, so that nobody else may.
struct RecordLoan {
    let group: KnownGroup
    /// Whether it only finds out what would be refused, and changes nothing.
    let isTrial: Bool

    /// - Parameters:
    ///   - path: as it was given.
    ///   - place: where it is.
    ///   - isHandedOver: it was opened by whoever started this process.
    /// - Throws: `notLent`.
    func lend(
        _ file: Int32, _ status: stat, _ path: String, at place: String, isHandedOver: Bool
    ) throws(FileError) {
        guard !isHandedOver else {
            throw FileError(
                .notLent, path,
                "it was opened by whoever started this process, who alone decides on its group; name a file, or no group"
            )
        }
        try checkKind(status, path)
        guard status.st_gid != group.number || status.st_mode & 0o7777 != Self.mode else { return }
        guard let reason = isTrial ? obstacle(status) : give(file, status) else { return }
        let command =
            "chgrp \(shellWord(group.name)) \(shellWord(place)) && chmod 640 \(shellWord(place))"
        throw FileError(
            .notLent, path, "\(failure(reason)); run as root: \(command)", reason)
    }

    /// - Throws: `notLent` if it is a pipe, say, which nobody else may read: what one has read, the others lack.
    func checkKind(_ status: stat, _ path: String) throws(FileError) {
        guard status.st_mode & S_IFMT != S_IFREG else { return }
        throw FileError(
            .notLent, path,
            "it is not a regular file, and nothing else is given to a group; name a file, or no group"
        )
    }

    /// Finds out whether a file created in a folder could be given to the group.
    ///
    /// - Throws: `notLent`.
    func check(folder status: stat, _ folder: String, _ path: String) throws(FileError) {
        let isInherited = status.st_mode & S_ISGID != 0 && status.st_gid == group.number
        guard !isInherited, let reason = refusal else { return }
        let command =
            "chgrp \(shellWord(group.name)) \(shellWord(folder)) && chmod g+s \(shellWord(folder))"
        throw FileError(
            .notLent, path,
            "\(failure(reason)); have its folder give it that group, as root: \(command)", reason)
    }

    /// The group first: the one that it had must not read it even for a moment.
    private func give(_ file: Int32, _ status: stat) -> Errno? {
        if status.st_gid != group.number, fchown(file, uid_t.max, group.number) != 0 {
            return .last
        }
        return fchmod(file, Self.mode) == 0 ? nil : .last
    }

    private func obstacle(_ status: stat) -> Errno? {
        guard geteuid() == 0 || status.st_uid == geteuid() else { return Errno(EPERM) }
        return status.st_gid == group.number ? nil : refusal
    }

    /// Why this process may not give its files to the group, found out with a file that nobody sees: capabilities and
    /// user namespaces count as well.
    private var refusal: Errno? {
        let file = Descriptor(owning: unsafe parley_memory_file("group"))
        // Without one, the attempt itself will tell.
        guard file.number >= 0 else { return nil }
        return fchown(file.number, uid_t.max, group.number) == 0 ? nil : .last
    }

    private func failure(_ reason: Errno) -> String {
        "it cannot be given to the group \(group.name) (\(reason)), which only root can do, or its owner as a member of that group"
    }

    private static let mode: mode_t = 0o640
}
