// One end of a byte channel: calls that never block, and the waits between them.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import System

/// One end of a byte channel below TLS: a connected socket, or in tests a pipe in memory.
///
/// Confined to its loop. Its calls return at once; `wait` suspends until one is worth another try,
/// until the deadline under way has come, or until the task is cancelled. The first failure is
/// permanent.
open class Channel: EventSource {
    public enum Direction: Sendable { case read, write }

    /// What is waited for, each with a deadline of its own.
    public enum Phase: Sendable {
        case handshake
        /// Every byte that moves begins the deadline again.
        case idle
        /// Only what the peer sends counts for the idle deadline. The driver sends pings.
        case hearing
        /// Only what is noted as activity counts, so that a peer which merely says that it is there
        /// does not stay for ever. The driver sends pings.
        case resting
        /// This end does not read, so that the peer's silence means nothing and its pings have no
        /// answer: the driver is asked twice a second to say that this end is there.
        case holding
        case close
    }

    // In the order of use, since a message should touch few cache lines.

    /// Called instead of a waiting task while a stream answers by itself.
    package final var driver: (any Driver)?
    private final var moved: Moment
    /// Bytes that came in and went out on the wire.
    public private(set) final var received: UInt64 = 0
    public private(set) final var sent: UInt64 = 0
    private final var failure: StreamError?
    private final var readers: [Waiter] = []
    private final var writers: [Waiter] = []
    private final var phase = Phase.idle
    /// In `resting`, when there was something to do last.
    private final var active: Moment
    /// What the peer had sent when it was last looked at without being read.
    private final var heard: UInt64 = 0
    /// What the peer sent first.
    package private(set) final var opening = Opening()
    /// The last receive took all there was: until the next event another one would only say so.
    package final var isDrained = false
    /// The peer has closed or broken the connection, even if what it sent before was not read yet.
    public private(set) final var hasHungUp = false

    /// The peer's address, or that of the client that a balancer passes on; nil where there is none.
    public private(set) final var peer: SocketAddress?
    public final let deadlines: Deadlines

    public init(loop: EventLoop, peer: SocketAddress?, deadlines: Deadlines) {
        self.peer = peer
        self.deadlines = deadlines
        moved = loop.now
        active = loop.now
        super.init(loop: loop)
    }

    /// What `receive` and `send` return where they would have to wait.
    public static let wouldBlock = -Int(EAGAIN)

    /// Reads what is there: the number of bytes, 0 at the end, or below zero an errno;
    /// `wouldBlock` where nothing is there yet.
    open func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int { -Int(ENOTCONN) }

    /// Writes what fits: the number of bytes, or below zero an errno; `wouldBlock` where nothing
    /// fits.
    open func send(_ bytes: UnsafeRawBufferPointer) -> Int { -Int(ENOTCONN) }

    /// Tells the peer that nothing more will come.
    open func shutdownWrite() {}

    /// Bytes that have come and were not received, as far as that is known.
    open var unread: Int { 0 }

    /// Acknowledges at once what has come, where an answer would carry the acknowledgement and
    /// there is none.
    open func acknowledge() {}

    // MARK: Deadlines

    /// Starts the handshake's deadline, unless it runs already: from accept on, nothing that a stranger does may
    /// begin it again.
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

    /// Whether the phase under way is `holding`.
    package final var isHolding: Bool { phase == .holding }

    /// In `resting`: begins the deadline again, since there was something to do.
    public final func noteActivity() { active = loop.now }

    /// For how long nothing has moved, or in `hearing` and `resting` nothing was heard.
    public final var silence: Duration { loop.now - moved }

    override public final func expired() {
        switch phase {
        case .handshake, .close: break
        case .idle:
            // Set once and moved only when it has come, so that a message costs no more than
            // the note of its time.
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

    /// Has the driver show itself to a peer that was silent for a while, and waits on.
    private final func listen(until end: Moment) {
        let interval = deadlines.ping
        guard interval > .zero else { return setDue(end) }
        let next = moved + interval
        guard next <= loop.now else { return setDue(min(next, end)) }
        setDue(min(loop.now + interval, end))
        driver?.keepAlive()
    }

    /// Whether the peer does not take what it is sent, and has said something since that was asked
    /// last: it is there, though nothing of it is read.
    private final var isHeldUp: Bool {
        guard owesPeer else { return false }
        let now = received &+ UInt64(unread)
        defer { heard = now }
        return unread > 0 && now > heard
    }

    /// Whether something that was received has no answer yet, or waits for the peer to take it.
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

    /// Suspends until the channel may be ready for another try in a direction.
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

    /// Throws away what comes, until the peer closes or the deadline under way has come.
    final func drain() async {
        while true {
            let count = unsafe receive(into: UnsafeMutableRawBufferPointer(loop.input))
            if count > 0 { continue }
            guard count == Self.wouldBlock, (try? await wait(for: .read)) != nil else { return }
        }
    }

    override public final func ready(_ events: Events) {
        let ended = !events.isDisjoint(with: .ended)
        if ended { hasHungUp = true }
        becameReady(ended: ended)
        driver?.channelChanged()
        if ended || events.contains(.readable) { wake(.read) }
        if ended || events.contains(.writable) { wake(.write) }
    }

    /// A call has shown that the peer broke the connection, before an event did: what it sent before that
    /// can be read on to its end.
    package final func noteHangUp() {
        hasHungUp = true
        isDrained = false
    }

    /// For subclasses: an event came, before anybody is woken.
    open func becameReady(ended: Bool) {}

    /// Wakes who waits in a direction.
    package final func wake(_ direction: Direction) {
        assert(loop.isMine)
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

    /// What came so far was about the connection and not part of it: who its client is, where that was said.
    final func beginAgain(as client: SocketAddress?) {
        opening = Opening()
        if let client { peer = client }
    }

    // MARK: For subclasses

    /// Notes that bytes came in.
    public final func noteReceived(_ bytes: UnsafeRawBufferPointer) {
        if !opening.isComplete { unsafe opening.add(bytes) }
        received &+= UInt64(bytes.count)
        moved = loop.now
    }

    /// Notes that bytes went out.
    public final func noteSent(_ count: Int) {
        sent &+= UInt64(count)
        switch phase {
        case .hearing, .resting, .holding: break
        case .handshake, .idle, .close: moved = loop.now
        }
    }
}
