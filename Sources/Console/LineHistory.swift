// The lines that were typed in earlier sessions.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import System

/// A file of lines, the last one at its end. Arguments may be secret: only its owner can read it, and lines that
/// begin with a blank are never kept. A file that can't be read or written is no reason to refuse a session:
/// there is no history then.
public struct LineHistory: Sendable {
    private let path: String

    /// `$XDG_STATE_HOME/parley/history`, by default in `~/.local/state`. Nil if neither is known.
    public init?() {
        guard let folder = UserFolder.state else { return nil }
        self.init(path: "\(folder)/history")
    }

    /// - Parameter path: the file's absolute path; it and its folders need not exist.
    package init(path: String) { self.path = path }

    /// Whether a line may be kept at all: one that is empty or begins with a blank, a space or a tab,
    /// may not.
    package static func mayKeep(_ line: [UInt8]) -> Bool {
        line.first.map { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") } ?? false
    }

    /// The last lines, oldest first.
    public func lines() -> [String] {
        guard let bytes = open(O_RDONLY)?.contents(limit: Self.limit) else { return [] }
        let lines = bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
            // A NUL would cut the line short, and an escape sequence would reach the terminal.
            line.contains { $0 < 0x20 || $0 == 0x7f }
                ? nil : String(validating: line, as: UTF8.self)
        }
        let kept = Array(lines.suffix(Self.size))
        if lines.count > 2 * Self.size || bytes.count >= Self.limit { replace(kept) }
        return kept
    }

    /// Adds a line at the end, if it may be kept.
    public func add(_ line: String) {
        guard Self.mayKeep(Array(line.utf8)) else { return }
        makeFolder()
        guard let descriptor = open(O_WRONLY | O_APPEND | O_CREAT) else { return }
        let bytes = Array("\(line)\n".utf8)
        unsafe write(descriptor.number, bytes, bytes.count)
    }

    private func replace(_ lines: [String]) {
        let new = LineHistory(path: "\(path).\(getpid())")
        guard let descriptor = new.open(O_WRONLY | O_CREAT | O_EXCL) else { return }
        let bytes = Array(lines.map { "\($0)\n" }.joined().utf8)
        let isWhole = unsafe write(descriptor.number, bytes, bytes.count) == bytes.count
        if unsafe !isWhole || rename(new.path, path) != 0 { unsafe unlink(new.path) }
    }

    /// Only our own file: no link, and nothing that could block or that others can write.
    private func open(_ flags: Int32) -> Descriptor? {
        let descriptor = Descriptor(
            owning: unsafe Glibc.open(
                path, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0o600))
        var status = stat()
        guard unsafe fstat(descriptor.number, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_uid == geteuid(),
            status.st_mode & 0o077 == 0 || fchmod(descriptor.number, 0o600) == 0
        else { return nil }
        return descriptor
    }

    /// Creates the folders above, accessible only to their owner.
    private func makeFolder() {
        var parts = path.split(separator: "/").dropLast()[...]
        var folder = ""
        while let part = parts.popFirst() {
            folder += "/\(part)"
            unsafe mkdir(folder, 0o700)
        }
    }

    /// Lines that are kept.
    package static let size = 1_000
    /// How much of the file is read; it has some 2,000 lines at most before it is trimmed.
    private static let limit = 4 << 20
}
