// The audit trail: where its lines go, and whether they have arrived there.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization
internal import System

/// Appends records, each with one write(2), to a file or to standard error. From any thread; a
/// write to a disk holds up the loop that makes it.
package final class AuditFile: Sendable {
    /// Nil for standard error.
    private let path: String?
    private let syncs: Bool
    private let file: Mutex<File>

    private struct File: ~Copyable {
        var descriptor: Descriptor
        /// Whether it is a regular one, which takes what it is given at once; what else there is must
        /// not hold the loop up.
        var isRegular: Bool {
            Descriptor.kind(of: descriptor.number) == S_IFREG
        }
        /// A line was written in part, so that the next one must begin a new one.
        var isTorn = false
        /// Records that could not be written since the last one that could.
        var lost = 0
    }

    /// - Parameters:
    ///   - path: the file, made with mode 0600 where there is none; `-` for standard error.
    ///   - syncs: waits until each record is on the disk (fdatasync(2)).
    /// - Throws: `AuditError` where it can't be opened.
    package init(_ path: String, syncs: Bool) throws(AuditError) {
        self.path = path == "-" ? nil : path
        self.syncs = syncs
        file = Mutex(File(descriptor: try Self.open(self.path)))
    }

    /// Finds out whether a start could open the trail. None is made: it would be of the wrong user's.
    ///
    /// - Throws: `AuditError`, for what a start would fail on.
    package static func examine(_ path: String) throws(AuditError) {
        guard path != "-" else {
            _ = try open(nil)
            return
        }
        do throws(FileError) {
            try TrustedFile.examine(appending: path)
        } catch {
            throw AuditError(error)
        }
    }

    /// Opens the file again, so that one that was moved away is let go. Where that fails the old
    /// one stays.
    ///
    /// - Throws: `AuditError` where it can't be opened.
    package func reopen() throws(AuditError) {
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
    package var sharesStandardOutput: Bool {
        file.withLock { leadToSameFile($0.descriptor.number, 1) }
    }

    /// Writes a record; `Recorder` alone does.
    ///
    /// - Parameter isDurable: waits for the disk where that was asked for; what any client can
    ///   cause in any number does not.
    /// - Returns: nil where it is written.
    func write(_ record: JSONLine, isDurable: Bool) -> Loss? {
        file.withLock { file in
            var record = record
            if file.lost > 0 { record.add("lost_before", file.lost) }
            guard let reason = append(record.line, to: &file, isDurable: isDurable) else {
                file.lost = 0
                return nil
            }
            file.lost += 1
            return Loss(reason: reason, isFirst: file.lost == 1)
        }
    }

    /// A record that could not be written.
    struct Loss {
        /// Why not.
        let reason: AuditError
        /// Whether the record before it was written. A client could cause any number of losses, so
        /// that only the first of them is worth a line of the log.
        let isFirst: Bool
    }

    private func append(_ line: [UInt8], to file: inout File, isDurable: Bool) -> AuditError? {
        let line = file.isTorn ? [UInt8(ascii: "\n")] + line : line
        let isRegular = path != nil && file.isRegular
        if !isRegular {
            // Whoever reads it and does not read on must not hold the loop up.
            var poll = pollfd(fd: file.descriptor.number, events: Int16(POLLOUT), revents: 0)
            guard unsafe Glibc.poll(&poll, 1, 0) > 0 else { return .unread }
        }
        let count = write(line, to: file.descriptor.number, isRegular: isRegular)
        guard count >= 0 else { return AuditError(writing: .last) }
        file.isTorn = count < line.count
        if file.isTorn { return .torn }
        if syncs, isDurable, fdatasync(file.descriptor.number) != 0, errno != EINVAL, errno != EROFS
        {
            return AuditError(writing: .last)
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

    private static func open(_ path: String?) throws(AuditError) -> Descriptor {
        if let path {
            do throws(FileError) {
                return Descriptor(owning: try TrustedFile(appending: path).release())
            } catch {
                throw AuditError(error)
            }
        }
        let own = Descriptor(reopening: 2, appending: true)
        if own.number >= 0 { return own }
        let copy = Descriptor(duplicating: 2)
        guard copy.number >= 0 else { throw AuditError(standardError: .last) }
        return copy
    }
}
