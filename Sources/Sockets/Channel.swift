// One end of a byte channel: calls that never block, and the waits between them.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// What a peer's silence may cost, in seconds.
public struct Deadlines: Sendable {
    public var handshake = 10.0
    public var idle = 300.0
    public var close = 5.0
    public init() {}
}

/// One end of a byte channel below TLS: a connected socket, or in tests a pipe in memory.
///
/// Confined to its loop. Its calls return at once; `wait` suspends until one is worth another try,
/// until the deadline under way has come, or until the task is cancelled. The first failure is
/// permanent.
open class Channel: EventSource, @unchecked Sendable {
    public enum Direction: Sendable { case read, write }

    /// What is waited for, each with a deadline of its own; `hearing` has that of `idle`, and only
    /// what the peer sends counts.
    public enum Phase: Sendable { case handshake, idle, hearing, close }

    // In the order of use, since a message should touch few cache lines.

    /// Called instead of a waiting task while a stream answers by itself.
    final var driver: (any Driver)?
    private final var moved: UInt64 = 0
    /// Bytes that came in and went out on the wire.
    public private(set) final var received: UInt64 = 0
    public private(set) final var sent: UInt64 = 0
    private final var failure: StreamError?
    private final var readers: [Waiter] = []
    private final var writers: [Waiter] = []
    private final var phase = Phase.idle
    /// The first two bytes that the peer sent, by which TLS is told from plaintext.
    package private(set) final var opening: (UInt8?, UInt8?) = (nil, nil)
    /// The last receive took all there was: until the next event another one would only say so.
    package final var isDrained = false
    /// The peer has closed or broken the connection, even if what it sent before was not read yet.
    public private(set) final var hasHungUp = false

    /// The peer's address; nil where there is none.
    public final let peer: SocketAddress?
    public final let deadlines: Deadlines

    public init(loop: EventLoop, peer: SocketAddress?, deadlines: Deadlines) {
        self.peer = peer
        self.deadlines = deadlines
        super.init(loop: loop)
        moved = loop.now
    }

    /// Reads what is there: the number of bytes, 0 at the end, or below zero an errno; `-EAGAIN`
    /// where nothing is there yet.
    open func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int { -Int(ENOTCONN) }

    /// Writes what fits: the number of bytes, or below zero an errno; `-EAGAIN` where nothing fits.
    open func send(_ bytes: UnsafeRawBufferPointer) -> Int { -Int(ENOTCONN) }

    /// Tells the peer that nothing more will come.
    open func shutdownWrite() {}

    /// Acknowledges at once what has come, where an answer would carry the acknowledgement and
    /// there is none.
    open func acknowledge() {}

    // MARK: Deadlines

    /// Starts a phase and its deadline. In the idle phase every byte that moves starts it anew.
    public final func enter(_ phase: Phase) {
        self.phase = phase
        moved = loop.now
        setDue(loop.now &+ UInt64(limit * 1e9))
    }

    /// For how long nothing has moved, or in the phase `hearing` nothing was heard; in nanoseconds.
    public final var silence: UInt64 { loop.now &- moved }

    override public final func expired() {
        if phase == .idle || phase == .hearing {
            // Set once and moved only when it has come, so that a message costs no more than
            // the note of its time.
            let due = moved &+ UInt64(limit * 1e9)
            if due > loop.now { return setDue(due) }
        }
        fail(timeOut)
    }

    private final var limit: Double {
        switch phase {
        case .handshake: deadlines.handshake
        case .idle, .hearing: deadlines.idle
        case .close: deadlines.close
        }
    }

    private final var timeOut: StreamError {
        let seconds = format(seconds: limit)
        return switch phase {
        case .handshake:
            StreamError(
                .handshakeTimedOut,
                opening.0 == nil
                    ? "the handshake timed out: the peer sent nothing within \(seconds); it may speak no TLS"
                    : "the handshake timed out: it was not done within \(seconds)")
        case .idle:
            StreamError(.idleTimedOut, "the session was idle for \(seconds) and was ended")
        case .hearing:
            StreamError(
                .idleTimedOut,
                "nothing was heard from the peer for \(seconds), so it is taken for gone")
        case .close:
            StreamError(.closeTimedOut, "the peer did not take the end within \(seconds)")
        }
    }

    // MARK: Waiting

    /// Ends every wait, now and later, with an error. The first one stays.
    public final func fail(_ error: StreamError) {
        if failure == nil { failure = error }
        wakeAll()
    }

    /// Throws the failure that ended this channel, if there was one.
    package final func check() throws(StreamError) {
        if let failure { throw failure }
    }

    /// Suspends until the channel may be ready for another try in a direction.
    package final func wait(for direction: Direction) async throws(StreamError) {
        try check()
        await withTaskCancellationHandler {
            await Waiter.wait { waiter in
                if Task.isCancelled {
                    waiter.resume()
                } else if direction == .read {
                    readers.append(waiter)
                } else {
                    writers.append(waiter)
                }
            }
        } onCancel: {
            self.loop.execute { self.wakeAll() }
        }
        if Task.isCancelled {
            throw StreamError(.cancelled, "the wait was cancelled")
        }
        try check()
    }

    override public final func ready(_ events: Events) {
        let ended = !events.isDisjoint(with: .ended)
        if ended { hasHungUp = true }
        becameReady(ended: ended)
        driver?.channelChanged()
        if ended || events.contains(.readable) { wake(.read) }
        if ended || events.contains(.writable) { wake(.write) }
    }

    /// For subclasses: an event came, before anybody is woken.
    open func becameReady(ended: Bool) {}

    /// Wakes who waits in a direction.
    package final func wake(_ direction: Direction) {
        // Swapped out first: who is woken may wait again.
        var woken: [Waiter] = []
        if direction == .read {
            guard !readers.isEmpty else { return }
            swap(&woken, &readers)
        } else {
            guard !writers.isEmpty else { return }
            swap(&woken, &writers)
        }
        for waiter in woken { waiter.resume() }
    }

    private final func wakeAll() {
        driver?.channelChanged()
        wake(.read)
        wake(.write)
    }

    // MARK: For subclasses

    /// Notes that bytes came in.
    public final func noteReceived(_ bytes: UnsafeRawBufferPointer) {
        if opening.1 == nil {
            let second = opening.0 == nil ? 1 : 0
            if opening.0 == nil { opening.0 = unsafe bytes.first }
            if bytes.count > second { unsafe opening.1 = bytes[second] }
        }
        received &+= UInt64(bytes.count)
        moved = loop.now
    }

    /// Notes that bytes went out.
    public final func noteSent(_ count: Int) {
        sent &+= UInt64(count)
        if phase != .hearing { moved = loop.now }
    }
}

/// `10 s`, `0.5 s`.
package func format(seconds: Double) -> String {
    seconds == seconds.rounded() && abs(seconds) < 1e15 ? "\(Int(seconds)) s" : "\(seconds) s"
}
