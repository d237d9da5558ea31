// A file, a pipe, a device or a socket as a place for records.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import System

/// Takes each record as a line.
final class OpenedFile: OpenedTrail {
    private let descriptor: Descriptor
    let isRegular: Bool
    private let isSocket: Bool
    let turn: LineTurn?

    /// - Parameters:
    ///   - place: any except the journal.
    ///   - turn: coordinates with what it shares standard error with.
    /// - Throws: `AuditError` if it can't be opened.
    init(_ place: AuditPlace, _ turn: LineTurn? = nil) throws(AuditError) {
        descriptor = try Self.open(place)
        let kind = Descriptor.kind(of: descriptor.number)
        isRegular = kind == S_IFREG
        isSocket = kind == S_IFSOCK
        // Nothing else must wait for a disk, nor for something only this writes to.
        let neverBlocks = isSocket || fcntl(descriptor.number, F_GETFL) & O_NONBLOCK != 0
        let isShared = leadToSameFile(descriptor.number, 2)
        self.turn = neverBlocks && !isRegular && isShared ? turn : nil
    }

    private static func open(_ place: AuditPlace) throws(AuditError) -> Descriptor {
        if case .file(let path, let group) = place {
            do throws(FileError) {
                let file = try TrustedFile(appending: path, readableBy: group)
                return Descriptor(owning: file.release())
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

    func leads(to other: any OpenedTrail) -> Bool { leadToSameFile(number, other.number) }

    /// A pipe accepts this many bytes completely or not at all (PIPE_BUF, pipe(7)), so what others write to it
    /// appears between lines, not within them.
    var maxAtOnce: Int { isRegular ? 16_384 : 4_096 }

    func append(_ line: JSONLine, to bytes: inout [UInt8]) { line.write(to: &bytes) }

    func write(_ bytes: Span<UInt8>) -> WriteAttempt {
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

    private func attempt(_ count: Int) -> WriteAttempt {
        if count > 0 { return .wrote(count) }
        if count < 0, errno == EAGAIN { return .isFull }
        turn?.giveUp(as: .trail)
        return .failed(count == 0 ? Errno(ENOSPC) : .last)
    }

    func fault(_ reason: Errno) -> AuditError { AuditError(writing: reason) }

    func sync() -> Errno? {
        guard fdatasync(number) != 0, errno != EINVAL, errno != EROFS else { return nil }
        return .last
    }
}
