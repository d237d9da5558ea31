// Standard output or standard error on a loop, without ever holding up the loop.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
public import Sockets
package import System

/// Collects what is written during a turn of the loop and writes it at the turn's end. Confined to
/// its loop.
public final class Output: EventSource, Resumable {
    public enum Standard: Int32, Sendable {
        case output = 1
        case error = 2
    }

    public let isTerminal: Bool
    /// Called once with the errno when this can't be written any more, `EPIPE` if the reader closed
    /// its end; nothing is written from then on.
    public var failed: ((Int32) -> Void)?
    /// Whether a pipe gets whole lines where they fit, so that those of several loops don't mix.
    public var keepsLines = true
    /// Who else writes there.
    package var turn: LineTurn?
    private var nextTurn: Timer?
    private let descriptor: Descriptor
    /// Whether the descriptor is non-blocking, mostly since it is our own, so that a write returns at once.
    private let isOwn: Bool
    private let isPipe: Bool
    private var pending: [UInt8] = []
    private var droppedLines = 0
    private var isWatched = false
    /// Something was written in this turn.
    private var isCollecting = false
    private var isClosed = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    public convenience init(_ standard: Standard, loop: EventLoop) {
        self.init(number: standard.rawValue, loop: loop)
    }

    /// - Parameter number: an open descriptor, which stays the caller's.
    public init(number: Int32, loop: EventLoop) {
        let kind = Descriptor.kind(of: number) ?? S_IFREG
        isTerminal = isatty(number) == 1
        isPipe = kind == S_IFIFO
        // What was opened only for reading must not be written by us either.
        let isWritable = fcntl(number, F_GETFL) & O_ACCMODE != O_RDONLY
        let own = isWritable ? Descriptor(reopening: number) : Descriptor(owning: -1)
        // One that is already non-blocking is just as good: there may be no /proc to reopen it
        // with.
        let neverBlocks = fcntl(number, F_GETFL) & O_NONBLOCK != 0
        isOwn = own.number >= 0 || kind == S_IFREG || (isWritable && neverBlocks)
        if own.number >= 0 {
            descriptor = own
        } else {
            descriptor = Descriptor(duplicating: number)
        }
        super.init(loop: loop)
    }

    deinit { if isWatched { loop.remove(descriptor: descriptor.number) } }

    /// Adds bytes as they are.
    public func write(_ text: some Collection<UInt8>) {
        guard !isClosed else { return }
        flushAtEndOfTurn()
        pending.append(contentsOf: text)
    }

    public func write(_ bytes: Span<UInt8>) {
        guard !isClosed, !bytes.isEmpty else { return }
        flushAtEndOfTurn()
        isAtLineStart = bytes[bytes.count - 1] == UInt8(ascii: "\n")
        pending.append(contentsOf: bytes)
    }

    /// Adds pieces of `bytes`. Many bytes are written at once, as far as that is possible, and not copied to the
    /// end of the turn.
    public func write(_ pieces: [Range<Int>], of bytes: Span<UInt8>) {
        var done = 0
        if pieces.count > 1, pending.isEmpty, !isClosed, isOwn, turn == nil, !(isPipe && keepsLines)
        {
            // What fails now fails again at the end of the turn.
            done = unsafe bytes.withUnsafeBufferPointer {
                max(0, unsafe descriptor.write(pieces, of: $0))
            }
        }
        for piece in pieces {
            let written = min(done, piece.count)
            done -= written
            write(bytes.extracting(piece.dropFirst(written)))
        }
        if let last = pieces.last?.last { isAtLineStart = bytes[last] == UInt8(ascii: "\n") }
    }

    /// Ends a line that was added in one turn. If nobody reads, whole lines beyond a limit are
    /// dropped and counted, so that memory does not grow.
    public func endLine(from start: Int) {
        guard !isClosed else { return }
        guard pending.count > Self.limit else {
            pending.append(UInt8(ascii: "\n"))
            return
        }
        pending.removeLast(pending.count - start)
        droppedLines += 1
    }

    /// Where a line begins, for `endLine`.
    public var position: Int { pending.count }

    /// Bytes that are not written yet.
    public var backlog: Int { isClosed ? 0 : pending.count }

    /// Whether what was written last ended a line.
    public private(set) var isAtLineStart = true

    /// Writes as much as possible without waiting.
    public func flush() {
        guard !pending.isEmpty, !isClosed else { return }
        var written = 0
        while written < pending.count {
            let count = attempt(from: written)
            if count > 0 {
                written += count
            } else if errno == EAGAIN {
                watch()
                break
            } else if errno != EINTR {
                return close(errno)
            }
        }
        pending.removeFirst(written)
        guard pending.isEmpty else { return }
        if droppedLines > 0 {
            pending = Array(
                "(\(droppedLines) lines were dropped because nobody was reading)\n".utf8)
            droppedLines = 0
            return flush()
        }
        wakeWaiters()
    }

    /// Writes everything, waiting for the reader; for when no loop is running any more.
    ///
    /// - Parameter patience: how long to wait.
    public func flush(within patience: Duration) {
        let end = Moment.now + patience
        flush()
        while backlog > 0, Moment.now < end {
            var poll = pollfd(fd: descriptor.number, events: Int16(POLLOUT), revents: 0)
            _ = unsafe Glibc.poll(&poll, 1, 10)
            // It may have room while another writer's line is still incomplete.
            if poll.revents != 0, turn != nil { usleep(1_000) }
            flush()
        }
    }

    /// Waits until everything is written, or there is no reader any more.
    public func flushed() async {
        flush()
        guard !pending.isEmpty, !isClosed else { return }
        let bound = LoopBound(self, to: loop)
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                if Task.isCancelled { waiter.resume() } else { waiters.append(waiter) }
            }
        } onCancel: {
            bound.execute { $0.wakeWaiters() }
        }
    }

    override public func ready(_ events: Events) { flush() }

    package func resume() {
        isCollecting = false
        flush()
    }

    private func flushAtEndOfTurn() {
        guard !isCollecting else { return }
        isCollecting = true
        loop.resumeAtEndOfTurn(self)
    }

    private func attempt(from start: Int) -> Int {
        var count = pending.count - start
        if isPipe, keepsLines, count > Self.atomic {
            // Whole lines, so that those of other loops come between ours and not inside them.
            let end = pending[start..<(start + Self.atomic)].lastIndex(of: UInt8(ascii: "\n"))
            count = end.map { $0 + 1 - start } ?? Self.atomic
        }
        if !isOwn {
            // A pipe that is ready takes a page without blocking.
            var poll = pollfd(fd: descriptor.number, events: Int16(POLLOUT), revents: 0)
            guard unsafe Glibc.poll(&poll, 1, 0) > 0 else {
                errno = EAGAIN
                return -1
            }
            count = min(count, Self.atomic)
        }
        guard let turn else { return write(from: start, count) }
        let written = turn.attempt(as: .log) {
            let written = write(from: start, count)
            return (written, written > 0 && pending[start + written - 1] == UInt8(ascii: "\n"))
        }
        if let written { return written }
        // Nothing else tells when it is over.
        nextTurn = Timer(after: LineTurn.pause, on: loop) { [unowned self] in flush() }
        errno = EAGAIN
        return -1
    }

    private func write(from start: Int, _ count: Int) -> Int {
        unsafe pending.withUnsafeBufferPointer {
            unsafe Glibc.write(descriptor.number, $0.baseAddress! + start, count)
        }
    }

    private func watch() {
        guard !isWatched else { return }
        isWatched = (try? loop.add(self, descriptor: descriptor.number, events: .writing)) != nil
    }

    private func close(_ reason: Int32) {
        isClosed = true
        pending = []
        turn?.giveUp(as: .log)
        wakeWaiters()
        failed?(reason)
    }

    private func wakeWaiters() {
        let woken = waiters
        waiters = []
        for waiter in woken { waiter.resume() }
    }

    private static let limit = 1 << 20
    /// How many bytes a pipe takes atomically: PIPE_BUF (pipe(7)).
    private static let atomic = 4_096
}
