// Lines from standard input on a loop.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
public import Sockets
internal import System

/// A source of lines. Confined to its loop.
public protocol LineSource: AnyObject {
    /// Whether somebody sits there who can be asked again.
    var isTerminal: Bool { get }

    /// The next line without its end; a line of more than `limit` bytes is cut to one byte more. Nil at the end.
    ///
    /// - Throws: `cancelled`; `system` if it can't be read.
    func next(limit: Int) async throws(StreamError) -> [UInt8]?

    /// Hands over what was read but not asked for.
    func takeAhead() -> [UInt8]

    /// Puts bytes that `takeAhead` gave away before what is read next.
    func giveBack(_ bytes: [UInt8])
}

/// Reads standard input by lines, as the terminal's line discipline or a pipe delivers them.
/// Confined to its loop. Input is read only when a line is asked for, so that the rest is left for
/// other readers.
public final class LineReader: EventSource, LineSource {
    public let isTerminal = isatty(0) == 1
    private var buffered: [UInt8] = []
    /// The rest of a line that is too long is discarded.
    private var isSkipping = false
    private var hasEnded = false
    private var hasHungUp = false
    private var failure: StreamError?
    private var isWatched = false
    private let kind = Descriptor.kind(of: 0)
    /// Regular files are always ready.
    private var isFile: Bool { kind == S_IFREG }
    private var waiter: CheckedContinuation<Void, Never>?

    override public init(loop: EventLoop) {
        super.init(loop: loop)
    }

    deinit { if isWatched { loop.remove(descriptor: 0) } }

    /// The next line without its end (LF, or CR LF); a last one may have none. A line of more than
    /// `limit` bytes is returned cut to one byte more, and its rest is discarded. Nil at the end of
    /// input.
    ///
    /// - Throws: `cancelled`; `system` where standard input can't be read.
    public func next(limit: Int) async throws(StreamError) -> [UInt8]? {
        while true {
            if let line = takeLine(limit) { return line }
            if let failure { throw failure }
            if hasEnded { return nil }
            if !fill() { try await waitReadable() }
        }
    }

    /// The next line if it is available already; nil if it isn't, and at the end.
    public func lineAtHand(limit: Int) -> [UInt8]? {
        while true {
            if let line = takeLine(limit) { return line }
            if failure != nil || hasEnded || !fill() { return nil }
        }
    }

    /// Hands over what was read but not asked for, to another reader of standard input, which gives
    /// back what it leaves.
    public func takeAhead() -> [UInt8] {
        defer { buffered = [] }
        return buffered
    }

    /// Puts bytes that `takeAhead` gave away before what is read next.
    public func giveBack(_ bytes: [UInt8]) { buffered = bytes + buffered }

    /// Whether the end of input was met and everything before it was taken.
    public var isAtEnd: Bool { hasEnded && buffered.isEmpty }

    /// The next bytes, at most `count`, as they come; nil at the end of input, after which a
    /// terminal may have more.
    ///
    /// - Throws: `cancelled`; `system` where standard input can't be read.
    public func next(upTo count: Int) async throws(StreamError) -> [UInt8]? {
        while true {
            if !buffered.isEmpty {
                let bytes = Array(buffered.prefix(count))
                buffered.removeFirst(bytes.count)
                return bytes
            }
            if let failure { throw failure }
            if hasEnded {
                // At a terminal, an end of input is only for this reader; the next one asks again.
                if isTerminal, !hasHungUp { hasEnded = false }
                return nil
            }
            if isReady {
                if let bytes = readOnce(max(count, leastRead)) {
                    guard bytes.count > count else { return bytes }
                    buffered = bytes
                }
            } else {
                try await waitReadable()
            }
        }
    }

    /// Reads what is there into the free capacity, at most `count` bytes, in pieces: each but the last has `length`
    /// bytes, and before each are `gap` bytes of no meaning.
    ///
    /// - Returns: the number of bytes without the gaps; 0 if `next` must tell what there is: the end, a failure, what
    ///   was read ahead, a pipe's if `count` is small, or what a device has, which may tell its end only once, and wait
    ///   for a second piece.
    public func readAtHand(
        _ count: Int, into output: inout OutputSpan<UInt8>, cutting length: Int, after gap: Int
    ) -> Int {
        guard kind == S_IFREG || kind == S_IFIFO || kind == S_IFSOCK else { return 0 }
        guard buffered.isEmpty, failure == nil, !hasEnded, isReady, count >= leastRead else {
            return 0
        }
        return unsafe output.withUnsafeMutableBufferPointer { buffer, filled in
            let count = unsafe Descriptor.readPieces(
                of: 0, into: UnsafeMutableBufferPointer(rebasing: buffer[filled...]),
                cutting: length, after: gap, most: count)
            if count > 0 { filled += Descriptor.length(of: count, cutting: length, after: gap) }
            return max(0, count)
        }
    }

    override public func ready(_ events: Events) { wake() }

    private func takeLine(_ limit: Int) -> [UInt8]? {
        while true {
            let end = buffered.firstIndex(of: UInt8(ascii: "\n"))
            if isSkipping {
                buffered.removeFirst(end.map { $0 + 1 } ?? buffered.count)
                if end == nil {
                    if hasEnded { isSkipping = false }
                    return nil
                }
                isSkipping = false
                continue
            }
            guard var line = end.map({ Array(buffered[..<$0]) }) ?? partial(limit) else {
                return nil
            }
            buffered.removeFirst(end.map { $0 + 1 } ?? line.count)
            isSkipping = end == nil && !hasEnded
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            return Array(line.prefix(limit + 1))
        }
    }

    /// Input without a line end that still counts as a line.
    private func partial(_ limit: Int) -> [UInt8]? {
        guard hasEnded ? !buffered.isEmpty : buffered.count > limit + 1 else { return nil }
        return buffered
    }

    /// - Returns: false if it would have to wait.
    private func fill() -> Bool {
        guard isReady else { return false }
        if let bytes = readOnce(4_096) { buffered += bytes }
        return true
    }

    /// The descriptor may be blocking, and shared: polled first, it never holds up the loop.
    private var isReady: Bool {
        if isFile { return true }
        var poll = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
        return unsafe Glibc.poll(&poll, 1, 0) > 0
    }

    /// - Returns: at most `limit` bytes; nil if there are none, since this is the end, or somebody else has taken
    ///   them.
    /// Less would lose the rest of a packet, if that is how the pipe keeps what was written (pipe(2)).
    private var leastRead: Int { kind == S_IFIFO ? Int(PIPE_BUF) : 1 }

    private func readOnce(_ limit: Int) -> [UInt8]? {
        var failed: Int32 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { room, count in
            let read = unsafe Glibc.read(0, room.baseAddress, limit)
            if read < 0 { failed = errno }
            count = max(0, read)
        }
        if !bytes.isEmpty { return bytes }
        if failed == EAGAIN || failed == EINTR { return nil }
        hasEnded = true
        // This is how a terminal reports that it hung up.
        hasHungUp = failed != 0
        if failed != 0, failed != EIO {
            failure = StreamError("cannot read standard input", errno: failed)
        }
        return nil
    }

    private func waitReadable() async throws(StreamError) {
        if !isWatched {
            do throws(StreamError) {
                try loop.add(self, descriptor: 0, events: .reading)
                isWatched = true
            } catch {
                // A regular file can't be watched, and is always ready.
                return
            }
        }
        let bound = LoopBound(self, to: loop)
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                if Task.isCancelled { waiter.resume() } else { self.waiter = waiter }
            }
        } onCancel: {
            bound.execute { $0.wake() }
        }
        if Task.isCancelled { throw StreamError(.cancelled, "the prompt was cancelled") }
    }

    private func wake() {
        waiter?.resume()
        waiter = nil
    }
}
