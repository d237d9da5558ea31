// Replaces a file as a whole, so that whoever reads it never finds half of it.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A file for others to read that is made anew each time, under the rule for all files (`TrustedFile`). Each version is
/// written beside it and then takes its name.
package struct FileReplacement: Sendable {
    private let path: String
    /// How every version begins.
    private let beginning: [UInt8]

    /// - Parameter beginning: what has another beginning, and is not empty, is not replaced: the path may be wrong.
    package init(_ path: String, beginning: String) {
        self.path = path
        self.beginning = Array(beginning.utf8)
    }

    /// Finds out whether the file could be replaced, without doing so.
    ///
    /// - Throws: `FileError` if that would fail.
    package func examine() throws(FileError) {
        var walk = walk
        _ = try arrive(&walk)
        try walk.checkThatEntriesCanBeMade()
    }

    /// Gives the file this content and mode 0644, which the umask doesn't change.
    ///
    /// - Throws: `FileError`. The file is what it was, and nothing is left beside it.
    package func write(_ bytes: [UInt8]) throws(FileError) {
        var walk = walk
        let name = try arrive(&walk)
        // Hidden, and without the ending that readers of a folder look for.
        let draft = [UInt8(ascii: ".")] + name + Array(".new".utf8)
        // Left by a process that was killed here.
        walk.remove(draft)
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let file = Descriptor(owning: walk.open(draft, flags))
        guard file.number >= 0 else { throw failure(.last) }
        guard fchmod(file.number, 0o644) == 0, put(bytes, to: file.number),
            walk.rename(draft, to: name)
        else {
            let reason = Errno.last
            walk.remove(draft)
            throw failure(reason)
        }
    }

    private var walk: PathWalk {
        PathWalk(FileRule(path: path, use: .replacement, reader: geteuid()))
    }

    /// - Returns: the name of the file in the folder where the walk has ended.
    private func arrive(_ walk: inout PathWalk) throws(FileError) -> [UInt8] {
        guard case .entry(let name) = try walk.arrive() else {
            throw FileError(
                .notRegular, path, "a descriptor cannot be replaced; name a file in a folder")
        }
        guard let found = walk.status(of: name) else { return name }
        let rule = FileRule(path: path, use: .replacement, reader: geteuid())
        try rule.check(found, at: walk.isLink ? walk.place : path, isHandedOver: false)
        try checkBeginning(of: name, walk)
        return name
    }

    private func checkBeginning(
        of name: [UInt8], _ walk: borrowing PathWalk
    ) throws(FileError) {
        // Non-blocking: a pipe may have taken its place.
        let file = Descriptor(
            owning: walk.open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC))
        guard file.number >= 0 else { throw failure(.last) }
        let found = file.contents(limit: 1).prefix(beginning.count)
        guard found.isEmpty || Array(found) == beginning else {
            throw FileError(
                .notOurs, path,
                "it has something else in it, which would be lost; name another file, or move this one away"
            )
        }
    }

    private func put(_ bytes: [UInt8], to number: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBufferPointer {
                unsafe Glibc.write(number, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest.removeFirst(count)
        }
        return true
    }

    private func failure(_ reason: Errno) -> FileError {
        FileError(
            .unreadable, path,
            "it cannot be written (\(reason)); make room, or name a file in a folder that this user can write to",
            reason)
    }
}
