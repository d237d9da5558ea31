// Opens a file that decides something, if nobody but root and this user could have changed it.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// A file whose contents decide something, open and found to belong to nobody else: tables,
/// certificates, keys, CAs, CRLs, programs, the audit trail, the key log.
///
/// The rule: the file, each folder above it up to `/`, and each symbolic link on the way belong to root or to the user of this process
/// (for a program, to the user that runs it), and nobody else may write to them. A sticky folder such as `/tmp` may be open to
/// everybody if it is above the folder that contains the file or a link, but not if it is that folder. The path is walked component by
/// component, and what was checked is what stays open, so nothing can be replaced in between.
///
/// An entry of a POSIX ACL that lets somebody else write shows up in the mode's group bits (acl(5))
/// and is refused like them. Access rights that other systems keep outside the mode (NFSv4 ACLs)
/// aren't seen.
///
/// A path that leads to a descriptor of this process (`/dev/stdin`, `/dev/fd/N`, a shell's `<(…)`)
/// stands for what was opened by whoever started the process. A pipe is then accepted, once; a
/// regular file must itself satisfy the rule.
///
/// The whole file at once:
///
///     let bytes = try TrustedFile.read(path, limit: 1 << 20)                       // table, PEM, CRL
///     var secret = try TrustedFile.read(path, as: .secret, limit: 1 << 20)         // private key
///
/// A program, whose first bytes say what runs it:
///
///     let program = try TrustedFile(path, as: .program)
///     let first = program.start(256)      // nil if this user may run but not read it
///
/// What is appended to:
///
///     let descriptor = try TrustedFile(appending: path).release()
package struct TrustedFile: ~Copyable {
    /// As it was named.
    package let path: String
    /// Its permissions and type, as in stat(2).
    package let mode: UInt32
    private let file: Descriptor

    /// Opens a file for reading.
    ///
    /// - Throws: `FileError`.
    package init(_ path: String, as use: FileUse = .decision) throws(FileError) {
        self = try Self.patiently(path, use, reader: geteuid())
    }

    /// Opens a program that may be run by another user than this process's, whose files are then trusted
    /// instead of this one's.
    ///
    /// - Throws: `FileError`.
    package init(program path: String, for user: UInt32) throws(FileError) {
        self = try Self.patiently(path, .program, reader: user)
    }

    /// Opens a file to append to, and creates it if there is none.
    ///
    /// - Parameter isSecret: refuses it if anybody else could read it.
    /// - Throws: `FileError`.
    package init(appending path: String, isSecret: Bool = false) throws(FileError) {
        self = try Self.patiently(path, isSecret ? .secretRecord : .record, reader: geteuid())
    }

    /// While descriptors are lent for opening files, a check for free ones takes them for a moment;
    /// so this retries, for at most a second.
    private static func patiently(
        _ path: String, _ use: FileUse, reader: uid_t
    ) throws(FileError) -> TrustedFile {
        for _ in 0..<20 where DescriptorReserve.shared.isLent {
            do throws(FileError) {
                return try TrustedFile(path, use, reader: reader)
            } catch {
                guard error.cause == .system(Errno(EMFILE)) else { throw error }
            }
            usleep(50_000)
        }
        return try TrustedFile(path, use, reader: reader)
    }

    /// Finds out whether a file could be opened to append to, or created if there is none, without
    /// creating it.
    ///
    /// - Parameter isSecret: as for `init(appending:isSecret:)`.
    /// - Throws: `FileError` if that would fail.
    package static func examine(
        appending path: String, isSecret: Bool = false
    ) throws(FileError) {
        let rule = FileRule(
            path: path, use: isSecret ? .secretRecord : .record, reader: geteuid())
        var walk = PathWalk(rule)
        if case .entry(let name) = try walk.arrive() {
            let found = Descriptor(
                owning: walk.open(name, parley_o_path | O_NOFOLLOW | O_CLOEXEC))
            if found.number < 0, errno == ENOENT { return try walk.checkThatEntriesCanBeMade() }
        }
        _ = try TrustedFile(appending: path, isSecret: isSecret)
    }

    /// Reads a whole file. If it is a secret, any copy made on the way is wiped.
    ///
    /// - Parameter limit: the maximum length in bytes.
    /// - Throws: `FileError`.
    package static func read(
        _ path: String, as use: FileUse = .decision, limit: Int
    ) throws(FileError) -> [UInt8] {
        try TrustedFile(path, as: use).contents(limit: limit)
    }

    /// The first bytes, at most `count`; nil if this user may not read it.
    package func start(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        let read = unsafe bytes.withUnsafeMutableBytes {
            unsafe pread(file.number, $0.baseAddress, $0.count, 0)
        }
        return read < 0 ? nil : Array(bytes[..<read])
    }

    /// Hands the descriptor over to the caller, which closes it from here on.
    package consuming func release() -> Int32 { file.release() }

    /// - Throws: `tooLarge`, `unreadable`.
    package func contents(limit: Int) throws(FileError) -> [UInt8] {
        let isPipe = mode & S_IFMT == S_IFIFO
        if isPipe { try ReadPipes.mark(file.number, path) }
        // One byte too many reveals a file that has grown meanwhile.
        var bytes = [UInt8](repeating: 0, count: min(limit, isPipe ? 65_536 : size) + 1)
        var filled = 0
        while true {
            if filled == bytes.count {
                guard filled <= limit else {
                    bytes.wipe()
                    throw FileError(
                        .tooLarge, path,
                        "it is larger than \(limit >> 20) MiB, too large to be what is needed here; name another"
                    )
                }
                // By hand: an array that grows by itself leaves copies of a key in freed memory.
                var larger = [UInt8](repeating: 0, count: min(limit + 1, 2 * filled + 4_096))
                larger.replaceSubrange(..<filled, with: bytes)
                bytes.wipe()
                bytes = larger
            }
            let count = unsafe bytes.withUnsafeMutableBytes {
                let (place, room) = unsafe ($0.baseAddress! + filled, $0.count - filled)
                // At explicit offsets: a descriptor that was handed over may have been read before.
                return isPipe
                    ? unsafe Glibc.read(file.number, place, room)
                    : unsafe pread(file.number, place, room, off_t(filled))
            }
            if count < 0 && errno == EINTR { continue }
            if count < 0 && errno == EAGAIN {
                var poll = pollfd(fd: file.number, events: Int16(POLLIN), revents: 0)
                _ = unsafe Glibc.poll(&poll, 1, -1)
                continue
            }
            guard count >= 0 else {
                let reason = Errno.last
                bytes.wipe()
                throw FileError(.unreadable, path, "it cannot be read (\(reason))", reason)
            }
            if count == 0 { break }
            filled += count
        }
        // Doesn't reallocate: what follows is zeros.
        bytes.removeLast(bytes.count - filled)
        return bytes
    }

    private var size: Int {
        var status = stat()
        return unsafe fstat(file.number, &status) == 0 ? max(0, Int(status.st_size)) : 0
    }

    /// - Parameter reader: the user whose files are trusted besides root's.
    init(_ path: String, _ use: FileUse, reader: uid_t = geteuid()) throws(FileError) {
        let rule = FileRule(path: path, use: use, reader: reader)
        var walk = PathWalk(rule)
        let end = try walk.arrive()
        let opened = try Self.open(end, walk, rule)
        var status = stat()
        guard unsafe fstat(opened.number, &status) == 0 else {
            let reason = Errno.last
            throw FileError(.unreadable, path, "it cannot be examined (\(reason))", reason)
        }
        var isHandedOver = false
        if case .descriptor = end { isHandedOver = true }
        try rule.check(status, at: walk.isLink ? walk.place : path, isHandedOver: isHandedOver)
        self.path = path
        mode = status.st_mode
        file = opened
    }

    private static func open(
        _ end: PathWalk.End, _ walk: borrowing PathWalk, _ rule: FileRule
    ) throws(FileError) -> Descriptor {
        let name: [UInt8]
        switch end {
        case .descriptor(let number): return try rule.duplicate(number)
        case .entry(let last): name = last
        }
        // Non-blocking: opening a pipe that has no writer must not hang.
        let flags = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
        let isRecord = rule.use == .record || rule.use == .secretRecord
        var number = walk.open(name, flags | (isRecord ? O_WRONLY | O_APPEND | O_CREAT : O_RDONLY))
        if number < 0, errno == EACCES, rule.use == .program {
            number = walk.open(name, parley_o_path | O_NOFOLLOW | O_CLOEXEC)
        }
        guard number >= 0 else {
            let reason = errno
            throw rule.failure(toOpen: walk.place, walk.status(of: name), reason)
        }
        return Descriptor(owning: number)
    }
}

extension [UInt8] {
    /// Overwrites what is there, in a way that the compiler may not optimise away.
    fileprivate mutating func wipe() {
        unsafe withUnsafeMutableBytes { unsafe explicit_bzero($0.baseAddress!, $0.count) }
    }
}
