// What a server lets run, for completion.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Glibc
internal import Hosts
internal import Sockets
internal import System

/// A line of a server's `help` (docs/protocol.md).
struct OfferedCommand {
    let name: String
    let hasSecret: Bool

    /// Those that a terminal can show.
    static func all(in help: String) -> [Self] { help.split(separator: "\n").compactMap(Self.init) }

    private init?(_ line: Substring) {
        // Arguments or a summary follow the name.
        var end = line.startIndex
        while end < line.endIndex, !line[end...].hasPrefix("  "), !line[end...].hasPrefix(" {") {
            end = line.index(after: end)
        }
        name = String(line[..<end])
        // In the usage, which two blanks end.
        var usage = ""
        for character in line[end...] {
            if usage.hasSuffix(" "), character == " " { break }
            usage.append(character)
        }
        hasSecret = usage.split(separator: "}").contains { $0.hasSuffix(": secret") }
        // What a server says where there are none; an earlier one put it in other words.
        let isEmpty = ["You may not run anything", "You may run nothing"].contains(
            where: name.hasPrefix)
        guard printable(name) == name, !isEmpty, !name.hasPrefix(":") else { return nil }
    }
}

/// A server's answer to `help`, remembered for a minute in the user's cache folder, since a shell asks at each stroke
/// of the Tab key. Failures are silent: a completion has no place for messages.
struct OfferedCommands {
    /// Nil if nothing can be cached.
    private let folder: String?
    private let now: () -> time_t

    /// - Parameter folder: `$XDG_CACHE_HOME/parley`; created if it doesn't exist.
    init(folder: String? = UserFolder.cache, now: @escaping () -> time_t = { time(nil) }) {
        self.folder = folder
        self.now = now
    }

    /// - Parameters:
    ///   - words: parley's words, up to the server to ask.
    ///   - ask: asks the server; returns nil if there was no answer.
    /// - Returns: the output of `help`; empty if unknown.
    func help(_ words: [String], ask: ([String]) -> String?) -> String {
        // The words themselves are in the file, so that two requests whose hashes collide stay
        // distinct.
        let names = words + [HostsConfiguration.ofEnvironment ?? ""]
        let head = names.joined(separator: "\u{1f}") + "\u{1e}"
        let path = folder.map { "\($0)/help-\(Self.name(of: head))" }
        if let path, let text = remembered(path), text.hasPrefix(head) {
            return String(text.dropFirst(head.count))
        }
        guard let text = ask(words) else { return "" }
        if let folder, let path { remember(head + text, at: path, in: folder) }
        return text
    }

    private func remembered(_ path: String) -> String? {
        let file = Descriptor(owning: unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW))
        var status = stat()
        guard file.number >= 0, unsafe fstat(file.number, &status) == 0,
            status.st_uid == geteuid(), status.st_mode & S_IFMT == S_IFREG,
            0..<Self.age ~= now() - status.st_mtim.tv_sec
        else { return nil }
        return String(decoding: file.contents(limit: Self.longest), as: UTF8.self)
    }

    private func remember(_ text: String, at path: String, in folder: String) {
        makeFolders(folder)
        let new = "\(path).\(getpid())"
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
        let file = Descriptor(owning: unsafe open(new, flags, 0o600))
        guard file.number >= 0 else { return }
        var text = text
        let isWhole = text.withUTF8 {
            unsafe write(file.number, $0.baseAddress, $0.count) == $0.count
        }
        guard isWhole, unsafe rename(new, path) == 0 else {
            _ = unsafe unlink(new)
            return
        }
    }

    /// Like `mkdir -p`, readable only by its owner.
    private func makeFolders(_ path: String) {
        var partial = ""
        for component in path.split(separator: "/") {
            partial += "/" + component
            _ = unsafe mkdir(partial, 0o700)
        }
    }

    /// FNV-1a, of 64 bits.
    private static func name(of text: String) -> String {
        let hash = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01b3
        }
        return String(hash, radix: 16)
    }

    /// In seconds.
    private static let age = 60
    /// In bytes.
    private static let longest = 4 << 20

    /// Asks by running this program in another process, for a few seconds at most.
    static func ask(_ words: [String]) -> String? {
        let limits = [
            "--connect-timeout", "2", "--handshake-timeout", "2", "--idle-timeout", "3", "--quiet",
        ]
        let arguments = ["parley"] + words + limits + ["--", "help"]
        guard let pipe = try? Pipe() else { return nil }
        let reader = pipe.takeReader()
        let writer = pipe.takeWriter()
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, writer.number, 1)
        unsafe posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var vector = unsafe arguments.map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe vector.indices { unsafe free(vector[index]) } }
        var pid: pid_t = 0
        guard unsafe posix_spawn(&pid, "/proc/self/exe", &actions, nil, &vector, environ) == 0
        else { return nil }
        _ = consume writer
        let text = Self.read(reader, until: .now + patience)
        // A server that says too much or takes too long counts as silent.
        if text == nil { kill(pid, SIGKILL) }
        var status: Int32 = 0
        while unsafe waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return status == 0 ? text.map { String(decoding: $0, as: UTF8.self) } : nil
    }

    /// - Returns: everything that comes; nil if that takes longer, or is more than a table can
    ///   produce.
    private static func read(_ pipe: borrowing Descriptor, until end: Moment) -> [UInt8]? {
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 65_536)
        while bytes.count < longest {
            let left = Int32(max(0, ((end - .now) / .milliseconds(1)).rounded(.up)))
            var waited = pollfd(fd: pipe.number, events: Int16(POLLIN), revents: 0)
            let isThere = unsafe poll(&waited, 1, left)
            if isThere < 0, errno == EINTR { continue }
            guard isThere > 0 else { return nil }
            let count = unsafe Glibc.read(pipe.number, &room, room.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { return bytes }
            bytes += room.prefix(count)
        }
        return nil
    }

    private static let patience = Duration.seconds(6)
}
