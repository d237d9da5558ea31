// A file descriptor with one owner.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A file descriptor that is closed when its one owner is gone.
public struct Descriptor: ~Copyable, Sendable {
    /// The number, valid as long as the owner lives; below zero if opening it failed.
    public let number: Int32

    /// Takes over an open descriptor; nobody else may close it from here on. The result of a failed
    /// call is accepted too, and nothing is closed then.
    public init(owning number: Int32) {
        self.number = number
    }

    /// Gives the descriptor up without closing it; the caller owns it from here on.
    public consuming func release() -> Int32 {
        let number = number
        discard self
        return number
    }

    deinit {
        // Doesn't call close if there is none, which would change `errno` before anybody has looked
        // at it. Never retried: on Linux the number is free again even after EINTR (close(2)).
        if number >= 0 { _ = Glibc.close(number) }
    }
}

extension Descriptor {
    /// A copy of another descriptor, above the standard ones and close-on-exec; below zero, with
    /// `errno`, if there can't be one.
    package init(duplicating number: Int32) {
        self.init(owning: fcntl(number, F_DUPFD_CLOEXEC, 3))
    }

    /// Reopens what another descriptor leads to for writing, without blocking: that is a property of the
    /// open file, which is shared with whoever started the process, and what is opened again has one of
    /// its own. Below zero, with `errno`, if that fails.
    ///
    /// For pipes, terminals and other devices. A socket can't be reopened, and a file, which never
    /// blocks, would be written from its start.
    package init(reopening number: Int32, appending: Bool = false) {
        guard [S_IFIFO, S_IFCHR].contains(Self.kind(of: number)) else {
            errno = EINVAL
            self.init(owning: -1)
            return
        }
        let flags = O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | (appending ? O_APPEND : 0)
        self.init(owning: unsafe open("/proc/self/fd/\(number)", flags))
    }

    /// Writes pieces of `bytes` with one call, at most `maxPieces` of them.
    ///
    /// - Returns: the number of bytes; below zero, with `errno`, if that fails.
    package func write(
        _ pieces: some Collection<Range<Int>>, of bytes: UnsafeBufferPointer<UInt8>
    ) -> Int {
        unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: Self.maxPieces) { vector in
            var count = 0
            for piece in pieces.prefix(Self.maxPieces) {
                unsafe vector[count] = iovec(
                    iov_base: UnsafeMutableRawPointer(
                        mutating: bytes.baseAddress! + piece.lowerBound),
                    iov_len: piece.count)
                count += 1
            }
            return unsafe writev(number, vector.baseAddress, Int32(count))
        }
    }

    /// Reads into `room`, in pieces: each but the last has `length` bytes, and before each are `gap` bytes of no
    /// meaning.
    ///
    /// - Parameters:
    ///   - number: an open descriptor, possibly somebody else's.
    ///   - most: how many bytes to read at most, without the gaps.
    ///   - pieces: how many pieces to read at most.
    /// - Returns: the number of bytes without the gaps; below zero, with `errno`, if that fails.
    package static func readPieces(
        of number: Int32, into room: UnsafeMutableBufferPointer<UInt8>, cutting length: Int,
        after gap: Int, most: Int = .max, pieces: Int = maxPieces
    ) -> Int {
        let fitting = min(pieces, maxPieces, (room.count + length) / (length + gap))
        return unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: fitting) { vector in
            var used = 0
            var (start, total) = (gap, 0)
            while used < fitting, start < room.count, total < most {
                let size = min(length, room.count - start, most - total)
                unsafe vector[used] = iovec(iov_base: room.baseAddress! + start, iov_len: size)
                used += 1
                total += size
                start += size + gap
            }
            while true {
                let count = unsafe readv(number, vector.baseAddress, Int32(used))
                if count >= 0 || errno != EINTR { return count }
            }
        }
    }

    /// How much of the room so many bytes take, in such pieces.
    package static func length(of count: Int, cutting length: Int, after gap: Int) -> Int {
        count + (count + length - 1) / length * gap
    }

    /// A transfer's records and the rest of one before them, and few enough for the stack.
    package static var maxPieces: Int { 16 }

    /// What a descriptor leads to, as the type in a file's mode (inode(7)); nil if it is not open.
    package static func kind(of number: Int32) -> UInt32? {
        var status = stat()
        return unsafe fstat(number, &status) == 0 ? status.st_mode & S_IFMT : nil
    }

    /// Reads to the end, or until `limit` bytes were read, possibly a few more. What can't be read is
    /// omitted.
    package borrowing func contents(limit: Int = .max) -> [UInt8] {
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 65_536)
        while bytes.count < limit {
            let count = unsafe read(number, &room, room.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += room[..<count]
        }
        return bytes
    }
}
