// Walks along a path, one component after the other, and checks each folder and link on the way.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// A walk from `/` to a file. It continues only through descriptors of what was checked, so moving
/// a folder or replacing a link meanwhile changes nothing.
struct PathWalk: ~Copyable {
    enum End {
        /// A name in the folder where the walk has ended; not a link, and possibly not there.
        case entry([UInt8])
        /// A descriptor of this process.
        case descriptor(Int32)
    }

    /// The folder where the walk is; none before it begins.
    private var folder: Descriptor
    /// Whether anybody may put files there, as in `/tmp`.
    private var isOpenToAll = false
    /// The components of its path, which has no links in it.
    private var names: [[UInt8]] = []
    /// What is left to walk, with the next component last.
    private var rest: [[UInt8]] = []
    /// Whether the path can only be that of a folder, like `x/` and `x/..`.
    private var wantsFolder = false
    private var links = 0
    private let rule: FileRule

    init(_ rule: FileRule) {
        self.rule = rule
        folder = Descriptor(owning: -1)
    }

    /// Whether a link led here.
    var isLink: Bool { links > 0 }

    /// The path of the file where the walk has ended, without links.
    private(set) var place = "/"

    /// Walks to the end.
    ///
    /// - Throws: `FileError` for anything on the way that breaks the rule or can't be walked.
    mutating func arrive() throws(FileError) -> End {
        try start()
        while let name = rest.popLast() {
            if name == Array("..".utf8) {
                if names.popLast() != nil { try descend(into: name) }
                continue
            }
            let entry = Descriptor(owning: open(name, parley_o_path | O_NOFOLLOW | O_CLOEXEC))
            let reason = errno
            let isLast = rest.isEmpty && !wantsFolder
            place = shown(names + [name])
            if entry.number < 0, reason == ENOENT, isLast { return try end(at: name) }
            guard entry.number >= 0 else { throw rule.failure(toReach: place, reason) }
            var status = stat()
            guard unsafe fstat(entry.number, &status) == 0 else {
                throw rule.failure(toReach: place, errno)
            }
            if status.st_mode & S_IFMT == S_IFLNK {
                if let number = ownDescriptor(name), isLast { return .descriptor(number) }
                try follow(entry, status)
            } else if isLast {
                return try end(at: name)
            } else {
                names.append(name)
                try enter(entry, status)
            }
        }
        throw FileError(.notRegular, rule.path, "it is a folder; name a file")
    }

    /// Opens an entry of the folder.
    ///
    /// - Returns: the descriptor, or below zero with errno.
    func open(_ name: [UInt8], _ flags: Int32) -> Int32 {
        let name = (name + [0]).map { CChar(bitPattern: $0) }
        return unsafe openat(folder.number, name, flags, 0o600)
    }

    /// Takes an entry of the folder away.
    func remove(_ name: [UInt8]) {
        unsafe unlinkat(folder.number, (name + [0]).map { CChar(bitPattern: $0) }, 0)
    }

    /// Gives an entry of the folder another name there, in place of the one that has it.
    ///
    /// - Returns: false, with `errno`, if that fails.
    func rename(_ name: [UInt8], to other: [UInt8]) -> Bool {
        let (name, other) = (name + [0], other + [0])
        return unsafe renameat(
            folder.number, name.map { CChar(bitPattern: $0) },
            folder.number, other.map { CChar(bitPattern: $0) }) == 0
    }

    /// What an entry of the folder is; nil if that can't be seen.
    func status(of name: [UInt8]) -> stat? {
        let found = Descriptor(owning: open(name, parley_o_path | O_NOFOLLOW | O_CLOEXEC))
        var status = stat()
        return unsafe fstat(found.number, &status) == 0 ? status : nil
    }

    /// - Throws: `unreadable` if this user may not put files into the folder.
    func checkThatEntriesCanBeMade() throws(FileError) {
        guard unsafe faccessat(folder.number, ".", W_OK | X_OK, AT_EACCESS) != 0 else { return }
        let reason = Errno.last
        throw FileError(
            .unreadable, rule.path,
            "it cannot be created in \(shown(names)) (\(reason)); name one that this user can write to",
            reason)
    }

    /// - Throws: `notLent` if a file created here could not be given to the group.
    func check(_ loan: RecordLoan) throws(FileError) {
        var status = stat()
        let folder = shown(names)
        guard unsafe fstat(self.folder.number, &status) == 0 else {
            throw rule.failure(toReach: folder, errno)
        }
        try loan.check(folder: status, folder, rule.path)
    }

    private mutating func start() throws(FileError) {
        let path = rule.path
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw FileError(.missing, path, "the name is not a path; give the file's path")
        }
        push(Array(path.utf8))
        if path.utf8.first != slash { push(try Self.currentFolder(for: path)) }
        try enterRoot()
    }

    private mutating func end(at name: [UInt8]) throws(FileError) -> End {
        try checkThatNobodyCanReplaceEntries()
        return .entry(name)
    }

    private mutating func follow(_ link: borrowing Descriptor, _ status: stat) throws(FileError) {
        try checkThatNobodyCanReplaceEntries()
        try rule.checkOwner(status, "the link", place)
        links += 1
        var target = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe target.withUnsafeMutableBytes {
            unsafe readlinkat(
                link.number, "", $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
        }
        guard links <= Self.linkLimit, count > 0 else {
            throw rule.failure(toReach: place, count > 0 ? ELOOP : errno)
        }
        push(Array(target[..<count]))
        guard target[0] == slash else { return }
        try enterRoot()
    }

    private mutating func enterRoot() throws(FileError) {
        names = []
        let root = unsafe Glibc.open("/", parley_o_path | O_DIRECTORY | O_CLOEXEC)
        let reason = errno
        try enter(Descriptor(owning: root), orFailFor: reason)
    }

    private mutating func descend(into name: [UInt8]) throws(FileError) {
        let opened = open(name, parley_o_path | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        let reason = errno
        try enter(Descriptor(owning: opened), orFailFor: reason)
    }

    /// Enters a folder, the one named by the path's components, and checks it.
    ///
    /// - Parameter reason: why it could not be opened, if it could not.
    private mutating func enter(
        _ opened: consuming Descriptor, orFailFor reason: Int32
    ) throws(FileError) {
        var status = stat()
        let path = shown(names)
        guard opened.number >= 0 else { throw rule.failure(toReach: path, reason) }
        folder = opened
        guard unsafe fstat(folder.number, &status) == 0 else {
            throw rule.failure(toReach: path, errno)
        }
        isOpenToAll = try rule.checkFolder(status, path)
    }

    private mutating func enter(
        _ entry: consuming Descriptor, _ status: stat
    ) throws(FileError) {
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw rule.failure(toReach: place, ENOTDIR)
        }
        folder = entry
        isOpenToAll = try rule.checkFolder(status, place)
    }

    private func checkThatNobodyCanReplaceEntries() throws(FileError) {
        if isOpenToAll { throw rule.openFolder(shown(names)) }
    }

    /// The number of a descriptor of this process, if a link in the folder, which is on proc(5), stands
    /// for one.
    private func ownDescriptor(_ name: [UInt8]) -> Int32? {
        let folder = shown(names)
        guard folder == "/proc/\(getpid())/fd" else { return nil }
        return Int32(String(decoding: name, as: UTF8.self))
    }

    private mutating func push(_ path: [UInt8]) {
        let parts = path.split(separator: slash, omittingEmptySubsequences: false)
        let last = parts.last.map(Array.init) ?? []
        if rest.isEmpty {
            wantsFolder = wantsFolder || [[], Array(".".utf8), Array("..".utf8)].contains(last)
        }
        for part in parts.reversed() where !part.isEmpty && part != [UInt8(ascii: ".")] {
            rest.append(Array(part))
        }
    }

    private static func currentFolder(for path: String) throws(FileError) -> [UInt8] {
        guard let text = unsafe getcwd(nil, 0) else {
            let reason = Errno.last
            throw FileError(
                .unreadable, path,
                "the current folder cannot be determined (\(reason)); give the file's absolute path",
                reason
            )
        }
        defer { unsafe free(text) }
        return unsafe Array(String(cString: text).utf8)
    }

    private func shown(_ names: [[UInt8]]) -> String {
        names.isEmpty
            ? "/" : names.map { "/" + String(decoding: $0, as: UTF8.self) }.joined()
    }

    /// The kernel's own.
    private static let linkLimit = 40
}

private let slash = UInt8(ascii: "/")
