// What is waiting to be written to the trail.
// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
internal import System

/// How much may wait for a slow trail.
package struct AuditLimits: Sendable {
    /// The total number of bytes that may wait before another frequent record is left out.
    package var frequent = 1 << 20
    /// The same, before another start or a record of the server's own is refused. Ends are always accepted: there are never more of them than
    /// programs that have started.
    package var starts = 16 << 20
    /// Bytes of the disk that only starts and ends may use; 0 for none.
    package var reserve: UInt64 = 64 << 20

    package init() {}
}

/// Records in the order in which they were decided, until one thread takes them. Safe on any
/// thread.
final class AuditQueue: Sendable {
    enum Item: Sendable {
        case record(AuditEntry)
        /// What follows goes there.
        case reopening(OpenedTrail)
    }

    fileprivate struct State {
        var items: [Item] = []
        /// For all records that are not settled, including those that were taken.
        var bytes = 0
        var records = 0
        var isShort = false
        var rest = Rest.none
        /// Until when what is waiting is still written; nil while the trail is open.
        var end: Moment?
        var isOver = false
        /// The server's own records that found no room, or were lost at the end.
        var lost = 0
    }

    /// What the thread that takes them is doing.
    fileprivate enum Rest {
        /// It is working, and checks the queue before it rests.
        case none
        /// It will check the queue in a moment by itself: records that nobody waits for can wait that long, and are
        /// written with what arrives meanwhile.
        case short
        /// It comes when called.
        case long
    }

    private let state = Mutex(State())
    private let limits: AuditLimits
    /// Where the thread that takes them waits.
    let bell: Doorbell
    /// Rung when the thread ends.
    private let over: Doorbell

    init(_ limits: AuditLimits) throws(Errno) {
        self.limits = limits
        bell = try Doorbell()
        over = try Doorbell()
    }

    /// - Returns: false if it is left out.
    func add(_ entry: AuditEntry) -> Bool {
        let (isTaken, rings) = state.withLock { state -> (Bool, Bool) in
            guard state.end == nil, admits(entry, state) else {
                if case .own = entry.kind { state.lost += 1 + entry.omitted }
                return (false, false)
            }
            state.bytes += entry.size
            state.records += 1
            state.items.append(.record(entry))
            return (true, state.endRest(for: entry))
        }
        if rings { bell.ring() }
        return isTaken
    }

    private func admits(_ entry: AuditEntry, _ state: State) -> Bool {
        switch entry.kind {
        case .frequent: !state.isShort && state.bytes + entry.size <= limits.frequent
        case .own, .start: state.bytes + entry.size <= limits.starts
        case .end: true
        }
    }

    func add(_ trail: OpenedTrail) {
        let rings = state.withLock { state in
            // If there are several in a row the last one counts, and only that one is kept open.
            if case .reopening? = state.items.last { state.items.removeLast() }
            state.items.append(.reopening(trail))
            return state.endRest()
        }
        if rings { bell.ring() }
    }

    // MARK: For the thread that writes

    /// The records added before everything else.
    func takeFirst() -> OpenedTrail {
        state.withLock { state in
            guard case .reopening(let trail) = state.items.removeFirst() else {
                preconditionFailure("there is nothing to write to")
            }
            return trail
        }
    }

    /// Waits for more.
    ///
    /// - Parameter due: when there is something to do even without them.
    /// - Returns: empty at that time; nil if the trail is closed and there is nothing more.
    func take(until due: Moment) -> [Item]? {
        while true {
            let (items, rest) = state.withLock { state -> ([Item]?, Rest) in
                if state.items.isEmpty, state.end != nil { return (nil, .none) }
                var items: [Item] = []
                swap(&items, &state.items)
                state.rest =
                    switch state.rest {
                    case _ where !items.isEmpty: .none
                    case .none: .short
                    case .short, .long: .long
                    }
                return (items, state.rest)
            }
            guard let items, items.isEmpty else { return items }
            let now = Moment.now
            guard now < due else { return items }
            bell.wait(until: rest == .short ? min(due, now + Self.pause) : due)
        }
    }

    /// A record is written, lost or no longer needed.
    func settle(_ entry: AuditEntry) {
        state.withLock { state in
            state.bytes -= entry.size
            state.records -= 1
        }
    }

    /// How many found no room and must be reported by the next record.
    func takeLost() -> Int {
        state.withLock { state in
            defer { state.lost = 0 }
            return state.lost
        }
    }

    func note(isShort: Bool) { state.withLock { $0.isShort = isShort } }

    /// Until when what is waiting may be written; nil for as long as it takes.
    var end: Moment? { state.withLock { $0.end } }

    /// Nothing is written any more, and no record reports this many that were lost.
    func noteOver(lost: Int) {
        state.withLock { state in
            state.isOver = true
            state.lost += lost
        }
        over.ring()
    }

    /// Records that are not settled.
    var waiting: Int { state.withLock { $0.records } }

    // MARK: Its end

    /// Accepts nothing more, and has what is waiting written until then.
    func close(until end: Moment) {
        state.withLock { $0.end = $0.end ?? end }
        bell.ring()
    }

    /// Waits until the thread has ended, or for this long.
    ///
    /// - Returns: how many records are not written.
    func wait(until end: Moment) -> Int {
        while state.withLock({ !$0.isOver }), Moment.now < end { over.wait(until: end) }
        return state.withLock { $0.records + $0.lost }
    }

    /// How long a record that nobody waits for may wait for others after one was written. The end of a program and the start
    /// that follows it then cost one wake-up of the thread.
    private static let pause = Duration.milliseconds(5)
}

extension AuditQueue.State {
    /// - Parameter entry: what must be written; nil for something that can't wait.
    /// - Returns: whether the thread must be woken.
    fileprivate mutating func endRest(for entry: AuditEntry? = nil) -> Bool {
        switch rest {
        case .none: return false
        case .short:
            if let entry, !entry.isWaitedFor { return false }
        case .long: break
        }
        rest = .none
        return true
    }
}
