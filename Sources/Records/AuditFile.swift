// The audit trail: where its records go, and whether they have arrived there.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization
package import System

/// Appends records to a file, to standard error, to the journal, or to several of these, each on a thread of its own: a disk
/// that hangs or a pipe that nobody reads holds up only those who wait for a record. A start waits for all of them. Safe on
/// any thread, but only one adds records.
package final class AuditFile: Sendable {
    private let places: [AuditPlace]
    /// Who it may share standard error with.
    private let turn: LineTurn?
    /// One for each place.
    private let queues: [AuditQueue]
    /// The identity of the file that the next record goes to.
    private let goesToStandardOutput: Atomic<Bool>

    /// Opens the trail, and starts its threads.
    ///
    /// - Parameters:
    ///   - places: at least one, and at most one besides the journal.
    ///   - turn: coordinates with what it shares standard error with.
    ///   - syncs: waits until records of programs and reloads are on the disk (fdatasync(2)).
    ///   - told: called on the place's thread.
    /// - Throws: `AuditError` if one of them can't be opened.
    package convenience init(
        _ places: [AuditPlace], _ turn: LineTurn? = nil, syncs: Bool,
        limits: AuditLimits = AuditLimits(),
        told: @escaping @Sendable (AuditNews, AuditPlace) -> Void = { _, _ in }
    ) throws(AuditError) {
        let sync: (@Sendable (any OpenedTrail) -> Errno?)? = if syncs { { $0.sync() } } else { nil }
        try self.init(
            places, turn, sync: sync, limits: limits, floor: { DiskFloor(limits.reserve) },
            told: told)
    }

    /// - Parameters:
    ///   - sync: called on the place's thread; nil if nothing waits for the disk.
    ///   - floor: called on the place's thread.
    init(
        _ places: [AuditPlace], _ turn: LineTurn? = nil,
        sync: (@Sendable (any OpenedTrail) -> Errno?)?, limits: AuditLimits,
        floor: @escaping @Sendable () -> DiskFloor,
        told: @escaping @Sendable (AuditNews, AuditPlace) -> Void
    ) throws(AuditError) {
        self.places = places
        self.turn = turn
        var trails: [any OpenedTrail] = []
        for place in places { trails.append(try Self.open(place, turn)) }
        goesToStandardOutput = Atomic(trails.contains(where: Self.isStandardOutput))
        var queues: [AuditQueue] = []
        do throws(Errno) {
            for (index, trail) in trails.enumerated() {
                let queue = try AuditQueue(limits)
                queues.append(queue)
                // What the thread's closure holds is held until the thread ends, including a file
                // that was moved away.
                queue.add(trail)
                let place = places[index]
                try startDetachedThread {
                    let tell = { told($0, place) }
                    AuditWriter(queue, place: index, sync: sync, floor(), tell: tell).run()
                }
            }
        } catch {
            for queue in queues { queue.close(until: Moment.now) }
            throw AuditError(noThread: error)
        }
        self.queues = queues
    }

    /// What is waiting is given up, unless `finish` has waited for it.
    deinit { for queue in queues { queue.close(until: Moment.now) } }

    private static func open(
        _ place: AuditPlace, _ turn: LineTurn? = nil
    ) throws(AuditError) -> any OpenedTrail {
        if case .journal(let path) = place { return try OpenedJournal(path) }
        return try OpenedFile(place, turn)
    }

    private static func isStandardOutput(_ trail: any OpenedTrail) -> Bool {
        leadToSameFile(trail.number, 1)
    }

    /// Finds out whether a start could open the trail. No file is created: it would belong to the
    /// wrong user.
    ///
    /// - Throws: `AuditError` if a start would fail.
    package static func examine(_ place: AuditPlace) throws(AuditError) {
        switch place {
        case .standardError, .journal: _ = try open(place)
        case .file(let path, let group):
            do throws(FileError) {
                try TrustedFile.examine(appending: path, readableBy: group)
            } catch {
                throw AuditError(error)
            }
        }
    }

    /// Reopens the file, so that one that was moved away is released once all records decided before are in it. If that
    /// fails the old one stays in use.
    ///
    /// - Throws: `AuditError` if it can't be opened.
    package func reopen() throws(AuditError) {
        for (place, queue) in zip(places, queues) {
            guard case .file = place else { continue }
            let trail = try Self.open(place, turn)
            goesToStandardOutput.store(Self.isStandardOutput(trail), ordering: .relaxed)
            queue.add(trail)
        }
    }

    /// Whether records go to the same place as standard output.
    package var sharesStandardOutput: Bool { goesToStandardOutput.load(ordering: .relaxed) }

    /// The number of places that each record goes to.
    var placeCount: Int { places.count }

    /// Writes a record after those that were decided before; only `Recorder` calls this.
    ///
    /// - Returns: false if it is left out everywhere because too much is waiting or too little space is left.
    func add(_ entry: AuditEntry) -> Bool {
        guard queues.count > 1 else { return queues[0].add(entry) }
        // No place may have the start of a program that never had a chance to start.
        if entry.isWaitedFor, !queues.allSatisfy({ $0.admits(entry) }) { return false }
        let taken = queues.map { $0.add(entry) }
        guard taken.contains(true) else { return false }
        for (index, queue) in queues.enumerated() where !taken[index] {
            queue.noteLeftOut(entry)
            entry.settle(.failed, in: index)
        }
        return true
    }

    /// Records that are not yet written, lost or dropped, in the place that has the most of them.
    var waiting: Int { queues.map(\.waiting).max() ?? 0 }

    /// Writes what is waiting, and accepts nothing more.
    ///
    /// - Parameter patience: how long to wait for that.
    /// - Returns: how many records are missing, in the place that lacks the most of them.
    package func finish(within patience: Duration) -> Int {
        let end = Moment.now + patience
        for queue in queues { queue.close(until: end) }
        // A thread that waits for a disk doesn't look at the clock.
        return queues.map { $0.wait(until: end + .milliseconds(100)) }.max() ?? 0
    }
}
