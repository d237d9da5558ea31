// What a program writes, read as it comes.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
package import System

/// The reading end of a program's output. Confined to its loop.
public final class PipeReader: EventSource {
    private let descriptor: Descriptor
    private let changed: () -> Void
    /// The last read found nothing, and there was no event since.
    private var isDrained = false
    /// The last read found at least a whole piece.
    private var isFlowing = false
    private var width = PipeWidth()
    /// Whether the loop reports what comes.
    private var isWatched = false
    /// Every writer has closed, and everything was read.
    public private(set) var hasEnded = false

    /// Ends this output after what is in the pipe now. Later writers are not the program, or need
    /// not be waited for.
    package func endBehindWhatIsThere() {
        guard !hasEnded, rest == nil else { return }
        rest = Int(parley_readable(descriptor.number))
        if rest == 0 { hasEnded = true } else { isDrained = false }
    }

    /// - Parameter descriptor: must be non-blocking.
    package init(
        _ descriptor: consuming Descriptor, loop: EventLoop, _ changed: @escaping () -> Void
    ) throws(StreamError) {
        self.descriptor = descriptor
        self.changed = changed
        super.init(loop: loop)
        try watch()
    }

    deinit { unwatch() }

    /// What may still be read, once the program has ended; nil until then.
    private var rest: Int?

    /// Whether a read may find something, or the end.
    public var isReadable: Bool { !isDrained && !hasEnded }

    /// Whether pending output may leave the program no room to write more. Small writes share a page
    /// only if they fit, so a pipe may be full with half as many bytes (pipe(7)).
    public var isFull: Bool {
        !hasEnded
            && parley_readable(descriptor.number)
                >= parley_pipe_capacity(descriptor.number) / 2
    }

    /// Reads what is there into the free capacity, in pieces: each but the last has `length` bytes, and
    /// before each are `gap` bytes of no meaning.
    ///
    /// - Returns: the number of bytes without the gaps; 0 if there is nothing now, or nothing more.
    package func read(
        into output: inout OutputSpan<UInt8>, cutting length: Int, after gap: Int
    ) -> Int {
        guard isReadable, output.freeCapacity > gap else { return 0 }
        let count = unsafe output.withUnsafeMutableBufferPointer { buffer, filled in
            // What a program writes now and then fits into one piece.
            let count = unsafe Descriptor.readPieces(
                of: descriptor.number,
                into: UnsafeMutableBufferPointer(rebasing: buffer[filled...]), cutting: length,
                after: gap, most: rest ?? .max, pieces: isFlowing ? .max : 1)
            if count > 0 { filled += Descriptor.length(of: count, cutting: length, after: gap) }
            return count
        }
        isFlowing = count >= length
        if count > 0 { width.note(count, through: descriptor.number) }
        // There is more, and each of the program's writes would cost it a report that nobody waits for.
        if count >= Self.many, output.freeCapacity <= gap { unwatch() }
        if count == 0 { hasEnded = true }
        if let rest {
            self.rest = rest - max(0, count)
            if self.rest == 0 { hasEnded = true }
        }
        if count < 0 {
            // Who has the pipe's other end can open this one as well (proc(5)), and may have taken the rest.
            if errno == EAGAIN, rest == nil { awaitMore() } else { hasEnded = true }
        }
        if hasEnded { changed() }
        return max(0, count)
    }

    override public func ready(_ events: Events) {
        isDrained = false
        changed()
    }

    override public func expired() { ready(.readable) }

    // MARK: Watching

    private func awaitMore() {
        isDrained = true
        guard !isWatched else { return }
        do throws(StreamError) {
            // What has come since the read is reported as well.
            try watch()
        } catch {
            // The system has no memory for it at the moment.
            setDue(loop.now + Self.pause)
        }
    }

    private func watch() throws(StreamError) {
        try loop.add(self, descriptor: descriptor.number, events: .reading)
        isWatched = true
    }

    private func unwatch() {
        guard isWatched else { return }
        isWatched = false
        loop.remove(descriptor: descriptor.number)
    }

    /// So many bytes at once are worth two calls.
    private static let many = 65_536
    private static let pause = Duration.milliseconds(10)
}
