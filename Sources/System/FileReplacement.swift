// Replaces a file as a whole, so that whoever reads it never finds half of it.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// A file for others to read that is made anew each time, under the rule for all files (`TrustedFile`). Each version is
/// written beside it and then takes its name. Whoever wrote the latest one has it locked, so that of two processes with
/// one path only the first writes; when it ends, the other can.
package struct FileReplacement: ~Copyable, Sendable {
    private let path: String
    /// How every version begins.
    private let beginning: [UInt8]
    /// Open as long as it is the latest, since the lock ends with it.
    private var latest = Descriptor(owning: -1)

    /// - Parameter beginning: what has another beginning, and is not empty, is not replaced: the path may be wrong.
    package init(_ path: String, beginning: String) {
        self.path = path
        self.beginning = Array(beginning.utf8)
    }

    /// Finds out whether the file could be replaced if no other process wrote it, without doing so.
    ///
    /// - Throws: `FileError` if that would fail.
    package func examine() throws(FileError) {
        var walk = walk
        _ = try arrive(&walk)
        try walk.checkThatEntriesCanBeMade()
    }

    /// Gives the file this content and mode 0644, which the umask doesn't change.
    ///
    /// - Throws: `FileError`; `inUse` if another process has written the latest version, and still runs. The file is what
    ///   it was, and nothing is left beside it.
    package mutating func write(_ bytes: [UInt8]) throws(FileError) {
        var walk = walk
        let name = try arrive(&walk)
        let draft = Self.draft(of: name)
        let file = try make(draft, walk)
        do throws(FileError) {
            // Here, where nobody else can have a draft.
            guard try !isWrittenByAnother(name, walk) else { throw inUse }
            guard put(bytes, to: file.number), fchmod(file.number, 0o644) == 0,
                walk.rename(draft, to: name)
            else { throw failure(.last) }
        } catch {
            walk.remove(draft)
            throw error
        }
        latest = file
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
        let found = try find(name, walk, parley_o_path)
        if found.number >= 0 {
            var status = stat()
            guard unsafe fstat(found.number, &status) == 0 else { throw failure(.last) }
            let rule = FileRule(path: path, use: .replacement, reader: geteuid())
            try rule.check(status, at: walk.isLink ? walk.place : path, isHandedOver: false)
            try checkBeginning(of: name, walk)
        }
        try checkPlace(of: Self.draft(of: name), walk)
        return name
    }

    // MARK: The draft

    /// Hidden, and without the ending that readers of a folder look for.
    private static func draft(of name: [UInt8]) -> [UInt8] {
        [UInt8(ascii: ".")] + name + Array(".new".utf8)
    }

    private func checkPlace(
        of draft: [UInt8], _ walk: borrowing PathWalk
    ) throws(FileError) {
        let found = try find(draft, walk, parley_o_path)
        let reason = Errno.last
        let name = String(decoding: draft, as: UTF8.self)
        if found.number < 0, reason.number == ENAMETOOLONG {
            throw FileError(
                .unreadable, path,
                "its name is too long, since each version is first written beside it as \(name); use a shorter one",
                reason)
        }
        guard found.number < 0 || Descriptor.kind(of: found.number) != S_IFDIR else {
            throw FileError(
                .notRegular, path,
                "each version is first written beside it as \(name), which is a folder; move that away, or name another file"
            )
        }
    }

    /// Makes an empty draft that is locked from here on, so that no other process has one of that name.
    private func make(
        _ draft: [UInt8], _ walk: borrowing PathWalk
    ) throws(FileError) -> Descriptor {
        try removeRemains(draft, walk)
        let file = Descriptor(
            owning: walk.open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC))
        guard file.number >= 0 else {
            let reason = Errno.last
            throw reason.number == EEXIST ? inUse : failure(reason)
        }
        guard file.lockForWriting() else { throw inUse }
        // Before it was locked, another process may have taken it for remains.
        let found = try find(draft, walk, parley_o_path)
        guard leadToSameFile(found.number, file.number) else { throw inUse }
        return file
    }

    /// Takes away what was left by a process that was killed.
    private func removeRemains(
        _ draft: [UInt8], _ walk: borrowing PathWalk
    ) throws(FileError) {
        let found = try find(draft, walk, O_WRONLY)
        guard found.number < 0 || found.lockForWriting() else { throw inUse }
        walk.remove(draft)
        // Locked until it is away.
        _ = consume found
    }

    private func isWrittenByAnother(
        _ name: [UInt8], _ walk: borrowing PathWalk
    ) throws(FileError) -> Bool {
        let found = try find(name, walk, O_RDONLY)
        return found.number >= 0 && !leadToSameFile(found.number, latest.number)
            && found.isLockedForWriting
    }

    // MARK: The file

    /// - Returns: a descriptor below zero, with errno, if there is nothing that can be opened so.
    /// - Throws: if that can't be found out.
    private func find(
        _ name: [UInt8], _ walk: borrowing PathWalk, _ access: Int32
    ) throws(FileError) -> Descriptor {
        // Non-blocking: a pipe may have taken its place.
        let found = Descriptor(
            owning: walk.open(name, access | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC))
        let reason = Errno.last
        guard found.number >= 0 || ![EMFILE, ENFILE, ENOMEM].contains(reason.number) else {
            throw failure(reason)
        }
        return found
    }

    private func checkBeginning(
        of name: [UInt8], _ walk: borrowing PathWalk
    ) throws(FileError) {
        let file = try find(name, walk, O_RDONLY)
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

    private var inUse: FileError {
        FileError(
            .inUse, path, "another server that runs writes it; give each server a file of its own")
    }

    func failure(_ reason: Errno) -> FileError {
        let remedy =
            switch reason.number {
            case ENOSPC, EDQUOT: "make room, or name a file on another disk"
            case EACCES, EPERM, EROFS: "name a file in a folder that this user can write to"
            default: "see to that, or name another file"
            }
        return FileError(
            .unreadable, path, "it cannot be written (\(reason)); \(remedy)", reason)
    }
}
