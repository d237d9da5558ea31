// The audit trail: where its lines go, and whether they have arrived there.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Glibc
internal import Records
internal import Sockets
internal import Synchronization
internal import System

/// Appends records, each with one write(2), to a file or to standard error. From any thread; a
/// write to a disk holds up the loop that makes it.
final class Audit: Sendable {
    /// Nil for standard error.
    private let path: String?
    private let syncs: Bool
    private let file: Mutex<File>

    private struct File: ~Copyable {
        var descriptor: Descriptor
        /// Whether it is a regular one, which takes what it is given at once; what else there is must
        /// not hold the loop up.
        var isRegular: Bool {
            var status = stat()
            return unsafe fstat(descriptor.number, &status) == 0
                && status.st_mode & S_IFMT == S_IFREG
        }
        /// A line was written in part, so that the next one must begin a new one.
        var isTorn = false
        /// Records that could not be written since the last one that could.
        var lost = 0
    }

    /// - Parameters:
    ///   - path: the file, made with mode 0600 where there is none; `-` for standard error.
    ///   - syncs: waits until each record is on the disk (fdatasync(2)).
    init(_ path: String, syncs: Bool) throws(ConfigurationError) {
        self.path = path == "-" ? nil : path
        self.syncs = syncs
        file = Mutex(File(descriptor: try Self.open(self.path)))
    }

    /// Finds out whether a start could open the trail. None is made: it would be of the wrong user's.
    static func examine(_ path: String) throws(ConfigurationError) {
        guard path != "-" else {
            _ = try open(nil)
            return
        }
        do throws(FileError) {
            try TrustedFile.examine(appending: path)
        } catch {
            throw ConfigurationError("the audit file \(error)")
        }
    }

    /// Opens the file again, so that one that was moved away is let go. Where that fails the old
    /// one stays.
    func reopen() throws(ConfigurationError) {
        guard path != nil else { return }
        let number = try Self.open(path).release()
        file.withLock { file in
            let opened = Descriptor(owning: number)
            // Another file begins with a line of its own.
            if !leadToSameFile(opened.number, file.descriptor.number) { file.isTorn = false }
            file.descriptor = opened
        }
    }

    /// Whether records go where standard output goes.
    var sharesStandardOutput: Bool { file.withLock { leadToSameFile($0.descriptor.number, 1) } }

    /// Writes a record. That it can't be written is logged once, until one can: a client could cause
    /// any number of such lines.
    ///
    /// - Parameter isDurable: waits for the disk where that was asked for; what any client can
    ///   cause in any number does not.
    /// - Returns: whether it is written.
    @discardableResult
    func write(_ record: JSONLine, isDurable: Bool, log: Log) -> Bool {
        let (failure, isFirst) = file.withLock { file in
            var record = record
            if file.lost > 0 { record.add("lost_before", file.lost) }
            let failure = append(record.line, to: &file, isDurable: isDurable)
            file.lost = failure == nil ? 0 : file.lost + 1
            return (failure, file.lost == 1)
        }
        guard let failure else { return true }
        if isFirst {
            log.write(
                "an audit record was lost: \(failure); until one can be written no program starts, so make room where --audit writes"
            )
        }
        return false
    }

    private func append(_ line: [UInt8], to file: inout File, isDurable: Bool) -> String? {
        let line = file.isTorn ? [UInt8(ascii: "\n")] + line : line
        let isRegular = path != nil && file.isRegular
        if !isRegular {
            // Whoever reads it and does not read on must not hold the loop up.
            var poll = pollfd(fd: file.descriptor.number, events: Int16(POLLOUT), revents: 0)
            guard unsafe Glibc.poll(&poll, 1, 0) > 0 else { return "nobody reads it" }
        }
        let count = write(line, to: file.descriptor.number, isRegular: isRegular)
        guard count >= 0 else { return systemMessage(errno) }
        file.isTorn = count < line.count
        if file.isTorn { return "only a part of the record could be written" }
        if syncs, isDurable, fdatasync(file.descriptor.number) != 0, errno != EINVAL, errno != EROFS
        {
            return systemMessage(errno)
        }
        return nil
    }

    private func write(_ line: [UInt8], to number: Int32, isRegular: Bool) -> Int {
        // A socket, as a supervisor gives it, may be a blocking one.
        var count = isRegular ? -1 : unsafe send(number, line, line.count, Int32(MSG_DONTWAIT))
        if isRegular || count < 0 && errno == ENOTSOCK {
            repeat {
                count = unsafe Glibc.write(number, line, line.count)
            } while count < 0 && errno == EINTR
        }
        return count
    }

    private static func open(_ path: String?) throws(ConfigurationError) -> Descriptor {
        if let path {
            do throws(FileError) {
                return Descriptor(owning: try TrustedFile(appending: path).release())
            } catch {
                throw ConfigurationError("the audit file \(error)")
            }
        }
        // Opened anew it can be non-blocking for us and not for others; a file and a socket can't
        // be, or would begin at their start.
        var status = stat()
        let kind = unsafe fstat(2, &status) == 0 ? status.st_mode & S_IFMT : S_IFREG
        let anew =
            kind == S_IFIFO || kind == S_IFCHR
            ? unsafe Glibc.open(
                "/proc/self/fd/2", O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY) : -1
        let number = anew >= 0 ? anew : fcntl(2, F_DUPFD_CLOEXEC, 3)
        guard number >= 0 else {
            throw ConfigurationError(
                "the audit trail cannot be written to standard error (\(systemMessage(errno))); name a file with --audit"
            )
        }
        return Descriptor(owning: number)
    }
}

/// What was configured can't be used.
struct ConfigurationError: Error, CustomStringConvertible {
    /// One sentence without its full stop: what is wrong and what mends it.
    let description: String
    init(_ description: String) { self.description = description }
}
