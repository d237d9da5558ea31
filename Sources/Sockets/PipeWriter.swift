// What a program reads, written as fast as it reads.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import System

/// The writing end of a program's input. Confined to its loop. It holds what the program has not
/// read yet, so callers must watch `taken`. SIGPIPE must be ignored.
public final class PipeWriter: EventSource {
    private var descriptor: Descriptor?
    private let changed: () -> Void
    private var pending: [UInt8] = []
    /// How much of it was written: what is left is not moved for each part.
    private var pendingOffset = 0
    private var isFinished = false
    private var width = PipeWidth()
    /// Bytes that went into the program's pipe, or that nobody will read any more.
    public private(set) var taken = 0

    /// Nobody reads it any more, or it has ended.
    public var isClosed: Bool { descriptor == nil }

    /// - Parameter descriptor: must be non-blocking.
    package init(
        _ descriptor: consuming Descriptor, loop: EventLoop, _ changed: @escaping () -> Void
    ) throws(StreamError) {
        let number = descriptor.number
        self.descriptor = consume descriptor
        self.changed = changed
        super.init(loop: loop)
        try loop.add(self, descriptor: number, events: .writing)
    }

    deinit { close() }

    /// Passes bytes on. If the program has closed its input they are discarded, as with a shell's
    /// pipe.
    public func write(_ bytes: Span<UInt8>) {
        let count = pending.isEmpty ? attempt(bytes) : 0
        guard count < bytes.count else { return }
        pending.append(contentsOf: bytes.extracting(droppingFirst: count))
    }

    /// Like `write`, of pieces of `bytes`, in one call where they fit into the pipe: the program, which
    /// a first piece wakes, then finds the others as well.
    package func write(_ pieces: [Range<Int>], of bytes: Span<UInt8>) {
        var next = 0
        while next < pieces.count, pending.isEmpty {
            let some = pieces[next..<min(next + Descriptor.maxPieces, pieces.count)]
            var count = attempt(some, bytes)
            for piece in some {
                let done = min(count, piece.count)
                if done < piece.count { write(bytes.extracting(piece.dropFirst(done))) }
                count -= done
            }
            next += some.count
        }
        for piece in pieces[next...] { write(bytes.extracting(piece)) }
    }

    /// Ends the input after what is pending.
    public func finish() {
        isFinished = true
        if pending.isEmpty { close() }
    }

    override public func ready(_ events: Events) {
        guard !pending.isEmpty else { return }
        var waiting: [UInt8] = []
        swap(&waiting, &pending)
        let count = attempt(waiting.span.extracting(droppingFirst: pendingOffset))
        pendingOffset += count
        if pendingOffset >= waiting.count / 2 {
            waiting.removeFirst(pendingOffset)
            pendingOffset = 0
        }
        swap(&waiting, &pending)
        guard count > 0 else { return }
        if isFinished, pending.isEmpty { close() }
        changed()
    }

    private func attempt(_ bytes: Span<UInt8>) -> Int {
        var written = 0
        while written < bytes.count {
            guard let number = descriptor?.number else {
                written = bytes.count
                break
            }
            let count = unsafe bytes.extracting(droppingFirst: written).withUnsafeBufferPointer {
                unsafe Glibc.write(number, $0.baseAddress, $0.count)
            }
            if count >= 0 {
                written += count
            } else if errno == EAGAIN {
                break
            } else if errno != EINTR {
                close()
            }
        }
        note(written)
        return written
    }

    /// - Returns: how much was written, possibly less than there is room for.
    private func attempt(_ pieces: ArraySlice<Range<Int>>, _ bytes: Span<UInt8>) -> Int {
        guard descriptor != nil else { return 0 }
        let count = unsafe bytes.withUnsafeBufferPointer {
            unsafe descriptor!.write(pieces, of: $0)
        }
        note(max(0, count))
        return max(0, count)
    }

    private func note(_ count: Int) {
        taken += count
        if let number = descriptor?.number { width.note(count, through: number) }
    }

    private func close() {
        guard let number = descriptor?.number else { return }
        loop.remove(descriptor: number)
        descriptor = nil
    }
}
