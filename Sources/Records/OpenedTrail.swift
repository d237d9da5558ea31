// What the trail's lines are currently written to.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import System

/// A file, a pipe, a device or a socket that is open for records. Closed when released.
final class OpenedTrail: Sendable {
    private let descriptor: Descriptor
    /// Whether it is a file, which accepts what it is given at once or blocks the writer; the others report
    /// when they have no room.
    let isRegular: Bool
    private let isSocket: Bool
    /// Nil if nothing else in this process writes there.
    let turn: LineTurn?

    /// - Parameters:
    ///   - path: nil for standard error.
    ///   - turn: coordinates with what it shares standard error with.
    /// - Throws: `AuditError` if it can't be opened.
    init(_ path: String?, _ turn: LineTurn? = nil) throws(AuditError) {
        descriptor = try Self.open(path)
        let kind = Descriptor.kind(of: descriptor.number)
        isRegular = kind == S_IFREG
        isSocket = kind == S_IFSOCK
        // Nothing else must wait for a disk, nor for something only this writes to.
        let neverBlocks = isSocket || fcntl(descriptor.number, F_GETFL) & O_NONBLOCK != 0
        let isShared = leadToSameFile(descriptor.number, 2)
        self.turn = neverBlocks && !isRegular && isShared ? turn : nil
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

    var number: Int32 { descriptor.number }

    func leads(to other: OpenedTrail) -> Bool { leadToSameFile(number, other.number) }

    var isStandardOutput: Bool { leadToSameFile(number, 1) }

    /// The maximum number of bytes of whole lines to write at once. A pipe accepts this many bytes completely
    /// or not at all (PIPE_BUF, pipe(7)), so what others write to it appears between lines, not within them.
    var maxAtOnce: Int { isRegular ? 16_384 : 4_096 }

    /// The result of an attempt to write.
    enum Attempt {
        case wrote(Int)
        /// There is no room now.
        case isFull
        /// Something else has begun a line there.
        case isTaken
        case failed(Errno)
    }

    /// Writes as much as is accepted now.
    func write(_ bytes: Span<UInt8>) -> Attempt {
        unsafe bytes.withUnsafeBufferPointer { bytes in
            guard let turn else { return unsafe attempt(writeOnce(bytes)) }
            let count = turn.attempt(as: .trail) {
                let count = unsafe writeOnce(bytes)
                return (count, unsafe count > 0 && bytes[count - 1] == UInt8(ascii: "\n"))
            }
            return count.map(attempt) ?? .isTaken
        }
    }

    private func writeOnce(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        while true {
            // A supervisor's socket may be a blocking one.
            let count =
                isSocket
                ? unsafe send(number, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT))
                : unsafe Glibc.write(number, bytes.baseAddress, bytes.count)
            if count >= 0 || errno != EINTR { return count }
        }
    }

    private func attempt(_ count: Int) -> Attempt {
        if count > 0 { return .wrote(count) }
        if count < 0, errno == EAGAIN { return .isFull }
        turn?.giveUp(as: .trail)
        return .failed(count == 0 ? Errno(ENOSPC) : .last)
    }

    /// Waits until everything written is on the disk. What isn't on a disk has nothing to wait for.
    func sync() -> Errno? {
        guard fdatasync(number) != 0, errno != EINVAL, errno != EROFS else { return nil }
        return .last
    }
}
