// One end of a byte channel: calls that never block, and the waits between them.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import System

/// One end of a byte channel below TLS: a connected socket or, in tests, a pipe in memory.
///
/// Confined to its loop. Its calls return at once; `wait` suspends until another try makes sense,
/// until the current deadline passes, or until the task is cancelled. The first failure is
/// permanent.
open class Channel: EventSource {
    public enum Direction: Sendable { case read, write }

    // In the order of use, since a message should touch few cache lines.

    /// Called instead of resuming a task while a stream answers by itself.
    package final var driver: (any Driver)?
    private final var moved: Moment
    /// Bytes that came in and went out on the wire.
    public private(set) final var received: UInt64 = 0
    public private(set) final var sent: UInt64 = 0
    private final var failure: StreamError?
    private final var readers: [Waiter] = []
    private final var writers: [Waiter] = []
    private final var phase = Phase.idle
    /// In `resting`, the time of the last activity.
    private final var active: Moment
    /// How much the peer had sent when that was last checked without reading.
    private final var heard: UInt64 = 0
    /// What the peer sent first.
    package private(set) final var opening = Opening()
    /// The last receive emptied the channel: until the next event, another one would find nothing.
    package final var isDrained = false
    /// The peer has closed or broken the connection, even if what it sent before was not read yet.
    public private(set) final var hasHungUp = false

    /// The peer's address, or that of the client that a load balancer passes on; nil if there is
    /// none.
    public private(set) final var peer: SocketAddress?
    public final let deadlines: Deadlines

    public init(loop: EventLoop, peer: SocketAddress?, deadlines: Deadlines) {
        self.peer = peer
        self.deadlines = deadlines
        moved = loop.now
        active = loop.now
        super.init(loop: loop)
    }

    /// What `receive` and `send` return if they would have to wait.
    public static let wouldBlock = -Int(EAGAIN)

    /// Reads what is there: the number of bytes, 0 at the end, or below zero an errno; `wouldBlock`
    /// if nothing is there yet.
    open func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int { -Int(ENOTCONN) }

    /// Writes what fits: the number of bytes, or below zero an errno; `wouldBlock` if nothing fits.
    open func send(_ bytes: UnsafeRawBufferPointer) -> Int { -Int(ENOTCONN) }

    /// Like `receive`, into two buffers, of which the second is used when the first is full.
    open func receive(
        into first: UnsafeMutableRawBufferPointer, then second: UnsafeMutableRawBufferPointer
    ) -> Int { unsafe receive(into: first) }

    /// Tells the peer that nothing more will come.
    open func shutdownWrite() {}

    /// Bytes that arrived but were not received, as far as known.
    open var unread: Int { 0 }

    /// Acknowledges what has arrived immediately, if there is no answer to carry the
    /// acknowledgement.
    open func acknowledge() {}

    // MARK: Deadlines

    /// Starts the handshake's deadline, unless it is already running: after accept, nothing that a stranger does
    /// may restart it.
    public final func enterHandshake() {
        if phase != .handshake { enter(.handshake) }
    }

    /// Starts a phase and its deadline.
    public final func enter(_ phase: Phase) {
        assert(loop.isMine)
        self.phase = phase
        moved = loop.now
        active = loop.now
        let span =
            switch phase {
            case .hearing, .resting: deadlines.ping > .zero ? deadlines.ping : limit
            case .handshake, .idle, .holding, .close: limit
            }
        setDue(loop.now + span)
    }

    /// Whether the current phase is `holding`.
    package final var isHolding: Bool { phase == .holding }

    /// In `resting`: restarts the deadline, because there was activity.
    public final func noteActivity() { active = loop.now }

    /// For how long nothing has moved or, in `hearing` and `resting`, nothing was received.
    public final var silence: Duration { loop.now - moved }

    override public final func expired() {
        switch phase {
        case .handshake, .close: break
        case .idle:
            // Set once and moved only when it passes, so that a message costs no more than noting
            // the time.
            let due = moved + limit
            if due > loop.now { return setDue(due) }
        case .hearing:
            if moved + limit > loop.now { return listen(until: moved + limit) }
        case .holding:
            setDue(loop.now + limit)
            driver?.keepAlive()
            return
        case .resting:
            if active + limit <= loop.now, isHeldUp { active = loop.now }
            if active + limit > loop.now { return listen(until: active + limit) }
        }
        fail(timeOut)
    }

    /// Makes the driver ping a peer that was silent for a while, and keeps waiting.
    private final func listen(until end: Moment) {
        let interval = deadlines.ping
        guard interval > .zero else { return setDue(end) }
        let next = moved + interval
        guard next <= loop.now else { return setDue(min(next, end)) }
        setDue(min(loop.now + interval, end))
        driver?.keepAlive()
    }

    /// Whether the peer does not read what it is sent, but has sent something since the last call:
    /// it is still there, although nothing from it is read.
    private final var isHeldUp: Bool {
        guard owesPeer else { return false }
        let now = received &+ UInt64(unread)
        defer { heard = now }
        return unread > 0 && now > heard
    }

    /// Whether something that was received has no answer yet, or its answer waits for the peer.
    package final var owesPeer: Bool { driver?.owesPeer ?? !writers.isEmpty }

    private final var limit: Duration {
        switch phase {
        case .handshake: deadlines.handshake
        case .idle, .hearing, .resting: deadlines.idle
        case .holding: .milliseconds(500)
        case .close: deadlines.close
        }
    }

    private final var timeOut: StreamError {
        let limit = limit.words
        return switch phase {
        case .handshake:
            StreamError(
                .handshakeTimedOut,
                opening.isEmpty
                    ? "the handshake timed out: the peer sent nothing within \(limit); it may not speak TLS"
                    : "the handshake timed out: it was not finished within \(limit)")
        case .idle, .resting:
            StreamError(.idleTimedOut, "the session was idle for \(limit) and was closed")
        case .hearing, .holding:
            StreamError(
                .idleTimedOut,
                "no sign of life from the peer for \(limit); giving up")
        case .close:
            StreamError(.closeTimedOut, "the peer did not let the session close within \(limit)")
        }
    }

    // MARK: Waiting

    /// Ends every wait, now and later, with an error. The first one stays.
    public final func fail(_ error: StreamError) {
        assert(loop.isMine)
        if failure == nil { failure = error }
        wakeAll()
    }

    /// Throws the failure that ended this channel, if there was one.
    package final func check() throws(StreamError) {
        if let failure { throw failure }
    }

    /// Suspends until another try in a direction may succeed.
    package final func wait(for direction: Direction) async throws(StreamError) {
        try check()
        let bound = LoopBound(self, to: loop)
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
            bound.execute { $0.wakeAll() }
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

    /// A call has shown that the peer broke the connection, before an event did: what it sent before can
    /// still be read to its end.
    package final func noteHangUp() {
        hasHungUp = true
        isDrained = false
    }

    /// For subclasses: an event arrived; called before anything is woken.
    open func becameReady(ended: Bool) {}

    /// Wakes the tasks that wait in a direction.
    package final func wake(_ direction: Direction) {
        assert(loop.isMine)
        // Swapped out first: woken tasks may wait again.
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

    /// What has arrived so far was about the connection and not part of it: its client, if it was named.
    final func beginAgain(as client: SocketAddress?) {
        opening = Opening()
        if let client { peer = client }
    }

    // MARK: For subclasses

    /// Notes that bytes arrived.
    public final func noteReceived(_ bytes: UnsafeRawBufferPointer) {
        if !opening.isComplete { unsafe opening.add(bytes) }
        noteReceived(bytes.count)
    }

    /// Notes that bytes arrived behind the peer's opening.
    final func noteReceived(_ count: Int) {
        received &+= UInt64(count)
        moved = loop.now
    }

    /// Notes that bytes were sent.
    public final func noteSent(_ count: Int) {
        sent &+= UInt64(count)
        switch phase {
        case .hearing, .resting, .holding: break
        case .handshake, .idle, .close: moved = loop.now
        }
    }
}
