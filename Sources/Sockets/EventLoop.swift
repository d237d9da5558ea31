// One thread's epoll set, run queue and deadlines; the executor of the sessions it accepted.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import Synchronization
public import System

/// An event loop on epoll, and the executor of the tasks that prefer it: what runs on it never
/// leaves its thread, and needs no lock. `run()` makes the calling thread its thread.
///
/// Any thread may call `execute`, `enqueue`, `stop` and `isCurrent`; everything else is for its thread
/// only, which debug builds check and the compiler can't.
@safe
public final class EventLoop: TaskExecutor, @unchecked Sendable {
    private let epoll: Descriptor
    private let waker: Descriptor
    /// Becomes readable at the soonest deadline. With a timeout for epoll_wait, the kernel would
    /// set and clear a timer at each wait, which a lone session would pay for with each reply.
    private let clock: Descriptor
    /// When `clock` becomes readable; never while it is not set.
    private var armed = Moment.never
    /// The thread that runs it; 0 while none does. Read by any thread.
    private let thread = Atomic<UInt>(0)
    private var isStopped = false
    /// The thread that `start()` started and `join()` waits for.
    private var joinable: pthread_t?

    private let tasks = ReadyTasks()
    /// For the next turn, and for the end of this one.
    private var again: [any Resumable] = []
    private var lasts: [any Resumable] = []
    private var postponed = Postponed()
    /// An empty array with capacity, to swap with the one that is being processed.
    private var spare: [any Resumable] = []
    /// Counts the turns, for budgets per turn. Events that are taken within a task count as a turn's.
    package private(set) var turns: UInt64 = 0
    private let remote = Mutex<Remote>(Remote())

    /// By descriptor; unowned, since a source removes itself before it closes its descriptor.
    private var sources: [UnownedSource?] = []
    var deadlines = DeadlineHeap()

    /// The monotonic clock, as of when events were last taken.
    @inlinable public var now: Moment {
        assert(isMine)
        return turnBegan
    }
    @usableFromInline private(set) var turnBegan: Moment

    /// Buffers for one TLS record's payload each way. A session uses them only between two
    /// suspensions, so an idle one holds none.
    package let input: UnsafeMutableBufferPointer<UInt8>
    package let output: UnsafeMutableBufferPointer<UInt8>

    /// How many bytes a socket may receive in a turn: four full records take a few hundred microseconds at most.
    package var share = 65_536
    /// Memory of transfer buffers that nobody uses at the moment.
    var spareBuffers: [UnsafeMutableBufferPointer<UInt8>] = unsafe []

    private let events: UnsafeMutableBufferPointer<parley_epoll_event>

    private struct Remote {
        var jobs: [UnownedJob] = []
        var calls: [@Sendable () -> Void] = []
    }

    /// - Throws: `descriptorsExhausted` if no descriptor is free.
    public init() throws(StreamError) {
        let epoll = Descriptor(owning: epoll_create1(Int32(EPOLL_CLOEXEC)))
        let waker = Descriptor(
            owning: eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK)))
        let clock = Descriptor(
            owning: timerfd_create(
                CLOCK_MONOTONIC, Int32(TFD_CLOEXEC) | Int32(TFD_NONBLOCK)))
        let edge = Events.reading
        guard epoll.number >= 0, waker.number >= 0, clock.number >= 0,
            parley_epoll_add(epoll.number, waker.number, EPOLLIN.rawValue) == 0,
            parley_epoll_add(epoll.number, clock.number, edge.rawValue) == 0
        else { throw StreamError("cannot create an event loop", errno: errno) }
        self.epoll = epoll
        self.waker = waker
        self.clock = clock
        turnBegan = Moment.now
        unsafe input = .allocate(capacity: Self.recordPayload)
        unsafe output = .allocate(capacity: Self.recordPayload)
        unsafe events = .allocate(capacity: Self.eventsATurn)
    }

    deinit {
        unsafe input.deallocate()
        unsafe output.deallocate()
        unsafe events.deallocate()
        while let spare = unsafe spareBuffers.popLast() { unsafe spare.deallocate() }
    }

    /// Whether the caller is on the loop's thread.
    public var isCurrent: Bool {
        thread.load(ordering: .relaxed) == pthread_self()
    }

    /// Whether the caller may use what is confined to the loop: it is on its thread, or the loop is not running.
    @usableFromInline
    var isMine: Bool { thread.load(ordering: .relaxed) == 0 || isCurrent }

    /// Runs until `stop()`, on the calling thread.
    public func run() {
        thread.store(pthread_self(), ordering: .relaxed)
        while !isStopped { turn() }
        // A task that is dropped while it waits for its turn would leak, with everything that it holds.
        var left = Self.turnsAfterStop
        while left > 0, !tasks.isEmpty || !again.isEmpty || !lasts.isEmpty || !postponed.isEmpty {
            turn()
            left -= 1
        }
        thread.store(0, ordering: .relaxed)
    }

    /// Starts a thread that runs the loop until `stop()`; `join()` must follow.
    ///
    /// - Throws: `system` if no thread can be started.
    public func start() throws(StreamError) {
        do throws(Errno) {
            joinable = try startThread { self.run() }
        } catch {
            throw StreamError(noThread: error)
        }
    }

    /// Ends `run()` after the current turn and what tasks are ready to do. Callable from any thread.
    public func stop() {
        execute { self.isStopped = true }
    }

    /// Waits until the thread that `start()` started has ended.
    public func join() {
        guard let thread = joinable else { return }
        joinable = nil
        pthread_join(thread, nil)
    }

    /// Runs a call on the loop's thread: at once when the caller is on it, else in its next turn.
    public func execute(_ call: @escaping @Sendable () -> Void) {
        guard !isCurrent else { return call() }
        remote.withLock { $0.calls.append(call) }
        wake()
    }

    /// Lets the others run, and continues in the next turn.
    public func nextTurn() async {
        assert(isMine)
        await Waiter.wait { again.append(Continuation($0)) }
    }

    /// Has `resume()` called once at the end of this turn: for output that is collected and sent in one piece.
    package func resumeAtEndOfTurn(_ resumable: any Resumable) {
        assert(isMine)
        lasts.append(resumable)
    }

    /// Makes a call before the loop waits, or in 4 ms: for what nobody waits for and what is cheaper in one piece.
    package func beforeWaiting(_ call: @escaping () -> Void) {
        assert(isMine)
        postponed.add(at: turnBegan, call)
    }

    /// From within a task, before it blocks the thread: runs the other tasks of this turn until each suspends, on top
    /// of the caller's stack, then takes events and runs their tasks, while they have any. Elsewhere it does nothing;
    /// never to be called within a source's `ready`, whose events are still being read.
    ///
    /// - Parameter goesOn: asked before each.
    package func runOthers(while goesOn: () -> Bool) {
        assert(isMine)
        guard tasks.areRunning else { return }
        repeat {
            unsafe tasks.runOthers(on: asUnownedTaskExecutor(), while: goesOn)
        } while goesOn() && takeEvents(waits: false) && tasks.takeNext()
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        guard !isCurrent else { return tasks.add(job) }
        remote.withLock { $0.jobs.append(job) }
        wake()
    }

    // MARK: For sources

    /// Watches a descriptor for its source, edge-triggered unless `events` says otherwise.
    package func add(_ source: Wakeable, descriptor: Int32, events: Events) throws(StreamError) {
        assert(isMine)
        guard parley_epoll_add(epoll.number, descriptor, events.rawValue) == 0 else {
            throw StreamError("cannot watch a descriptor", errno: errno)
        }
        let index = Int(descriptor)
        if index >= sources.count {
            let missing = max(index + 1, 2 * sources.count) - sources.count
            sources.append(contentsOf: repeatElement(nil, count: missing))
        }
        sources[index] = UnownedSource(source)
    }

    /// Watches a descriptor, which was added, for other events. Reports what it is already ready for.
    package func change(descriptor: Int32, events: Events) {
        assert(isMine)
        let result = parley_epoll_change(epoll.number, descriptor, events.rawValue)
        // It fails only for a descriptor that isn't watched.
        precondition(result == 0, "epoll_ctl: \(Errno.last)")
    }

    /// Forgets a source, before its descriptor is closed or handed on.
    package func remove(descriptor: Int32) {
        assert(isMine)
        // If `add` failed there is nothing to forget.
        guard Int(descriptor) < sources.count else { return }
        sources[Int(descriptor)] = nil
        // A child that is just being started may hold a copy of the descriptor: the set would
        // go on reporting it.
        epoll_ctl(epoll.number, EPOLL_CTL_DEL, descriptor, nil)
    }

    /// Has `resume()` called in the next turn, after the others have run.
    package func resumeNextTurn(_ resumable: any Resumable) {
        assert(isMine)
        again.append(resumable)
    }

    // MARK: A turn

    private func turn() {
        // Taken before anything from this turn is added: what yields twice waits twice.
        var due: [any Resumable] = []
        swap(&due, &again)
        setClock()
        // Requests made before the loop ran, or at the end of the last turn, also get an end of turn.
        let mayWait = due.isEmpty && tasks.isEmpty && lasts.isEmpty && postponed.isEmpty
        let hasEvents = takeEvents(waits: mayWait)
        while let source = deadlines.popDue(at: now) { source.expired() }
        for resumable in due { resumable.resume() }
        unsafe tasks.run(on: asUnownedTaskExecutor())
        let isIdle = !hasEvents && due.isEmpty && tasks.isEmpty && again.isEmpty
        for call in postponed.take(at: turnBegan, isIdle: isIdle) { call() }
        guard !lasts.isEmpty else { return }
        swap(&lasts, &spare)
        for resumable in spare { resumable.resume() }
        spare.removeAll(keepingCapacity: true)
    }

    /// - Returns: whether there were any.
    private func takeEvents(waits: Bool) -> Bool {
        turns &+= 1
        let count = unsafe parley_epoll_wait(
            epoll.number, events.baseAddress, Int32(Self.eventsATurn), waits ? -1 : 0)
        turnBegan = Moment.now
        for index in 0..<max(0, Int(count)) {
            let event = unsafe events[index]
            if event.fd == waker.number {
                takeRemote()
            } else if event.fd == clock.number {
                armed = .never
            } else if let reference = sources[Int(event.fd)] {
                reference.source.ready(Events(rawValue: event.events))
            }
        }
        return count > 0
    }

    /// Makes sure that the loop is woken at the soonest deadline, rounded up to a millisecond, so
    /// that deadlines close together cost one wake-up.
    private func setClock() {
        guard let due = deadlines.first, due < armed else { return }
        let next = (min(due.nanoseconds, Self.farAway) / 1_000_000 + 1) * 1_000_000
        guard next < armed.nanoseconds else { return }
        armed = Moment(nanoseconds: next)
        parley_timerfd_set(clock.number, Int(next))
    }

    private func wake() {
        var one: UInt64 = 1
        unsafe write(waker.number, &one, 8)
    }

    private func takeRemote() {
        var count: UInt64 = 0
        unsafe read(waker.number, &count, 8)
        let taken = remote.withLock { remote in
            defer { remote = Remote() }
            return remote
        }
        tasks.add(taken.jobs)
        for call in taken.calls { call() }
    }

    /// The most bytes that a TLS record carries (RFC 8446, section 5.1).
    package static let recordPayload = 16_384
    private static let eventsATurn = 256
    /// Later than any deadline, and small enough to add to.
    private static let farAway = UInt64(Int.max / 2)
    /// Enough for what is ending; a task that never stops waiting does not hold up the end.
    private static let turnsAfterStop = 64
}
