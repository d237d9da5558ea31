// The audit trail: where its records go, and whether they have arrived there.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization
package import System

/// Appends records to a file, to standard error, to the journal, or to several of these, each on a thread of its own: a disk that
/// hangs or a pipe that nobody reads holds up who waits for a record, and nobody else. A start waits for all of them. From any
/// thread, but records are added by one.
package final class AuditFile: Sendable {
    private let places: [AuditPlace]
    /// Whom it may share standard error with.
    private let turn: LineTurn?
    /// One for each place.
    private let queues: [AuditQueue]
    /// Of the file that the next record goes to.
    private let goesToStandardOutput: Atomic<Bool>

    /// Opens the trail, and starts its threads.
    ///
    /// - Parameters:
    ///   - places: one at least, and of the places other than the journal one at most.
    ///   - turn: with whom it shares standard error.
    ///   - syncs: waits until records of programs and reloads are on the disk (fdatasync(2)).
    ///   - told: called on the thread of the place.
    /// - Throws: `AuditError` where one of them can't be opened.
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
    ///   - sync: called on the place's thread; nil where nothing waits for the disk.
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
                // What the thread's call holds is held until its end, also a file that was moved away.
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

    /// What waits is given up, unless `finish` has waited for it.
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

    /// Finds out whether a start could open the trail. None is made: it would be of the wrong user's.
    ///
    /// - Throws: `AuditError`, for what a start would fail on.
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

    /// Opens the file again, so that one that was moved away is let go when all records that were decided before are in it.
    /// Where that fails the old one stays.
    ///
    /// - Throws: `AuditError` where it can't be opened.
    package func reopen() throws(AuditError) {
        for (place, queue) in zip(places, queues) {
            guard case .file = place else { continue }
            let trail = try Self.open(place, turn)
            goesToStandardOutput.store(Self.isStandardOutput(trail), ordering: .relaxed)
            queue.add(trail)
        }
    }

    /// Whether records go where standard output goes.
    package var sharesStandardOutput: Bool { goesToStandardOutput.load(ordering: .relaxed) }

    /// In how many places each record is.
    var placeCount: Int { places.count }

    /// Has a record written after those that were decided before; `Recorder` alone does.
    ///
    /// - Returns: false where it is left out everywhere, since too much waits or too little space is left.
    func add(_ entry: AuditEntry) -> Bool {
        guard queues.count > 1 else { return queues[0].add(entry) }
        // No place is to have one whose program never had a chance to start.
        if entry.isWaitedFor, !queues.allSatisfy({ $0.admits(entry) }) { return false }
        let taken = queues.map { $0.add(entry) }
        guard taken.contains(true) else { return false }
        for (index, queue) in queues.enumerated() where !taken[index] {
            queue.noteLeftOut(entry)
            entry.settle(.failed, in: index)
        }
        return true
    }

    /// Records that are not written, lost or dropped yet, in the place that has most of them.
    var waiting: Int { queues.map(\.waiting).max() ?? 0 }

    /// Has what waits written, and takes nothing more.
    ///
    /// - Parameter patience: for so long.
    /// - Returns: how many records are missing, in the place that lacks most of them.
    package func finish(within patience: Duration) -> Int {
        let end = Moment.now + patience
        for queue in queues { queue.close(until: end) }
        // One that waits for a disk doesn't look at the clock.
        return queues.map { $0.wait(until: end + .milliseconds(100)) }.max() ?? 0
    }
}
