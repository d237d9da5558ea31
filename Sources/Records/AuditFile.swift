// The audit trail: where its lines go, and whether they have arrived there.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization
package import System

/// Appends records to a file or to standard error, on a thread of its own: a disk that hangs or a pipe that nobody reads holds
/// up who waits for a record, and nobody else. From any thread.
package final class AuditFile: Sendable {
    private let place: AuditPlace
    /// Whom it may share standard error with.
    private let turn: LineTurn?
    private let queue: AuditQueue
    /// Of the file that the next record goes to.
    private let goesToStandardOutput: Atomic<Bool>

    /// Opens the trail, and starts its thread.
    ///
    /// - Parameters:
    ///   - turn: with whom it shares standard error.
    ///   - syncs: waits until records of programs and reloads are on the disk (fdatasync(2)).
    ///   - told: called on the trail's thread.
    /// - Throws: `AuditError` where it can't be opened.
    package convenience init(
        _ place: AuditPlace, _ turn: LineTurn? = nil, syncs: Bool,
        limits: AuditLimits = AuditLimits(),
        told: @escaping @Sendable (AuditNews) -> Void = { _ in }
    ) throws(AuditError) {
        let sync: (@Sendable (OpenedTrail) -> Errno?)? = if syncs { { $0.sync() } } else { nil }
        try self.init(
            place, turn, sync: sync, limits: limits, floor: { DiskFloor(limits.reserve) },
            told: told
        )
    }

    /// - Parameters:
    ///   - sync: called on the trail's thread; nil where nothing waits for the disk.
    ///   - floor: called on the trail's thread.
    init(
        _ place: AuditPlace, _ turn: LineTurn? = nil, sync: (@Sendable (OpenedTrail) -> Errno?)?,
        limits: AuditLimits,
        floor: @escaping @Sendable () -> DiskFloor,
        told: @escaping @Sendable (AuditNews) -> Void
    ) throws(AuditError) {
        self.place = place
        self.turn = turn
        let trail = try OpenedTrail(place, turn)
        goesToStandardOutput = Atomic(trail.isStandardOutput)
        do throws(Errno) {
            let queue = try AuditQueue(limits)
            self.queue = queue
            // What the thread's call holds is held until its end, also a file that was moved away.
            queue.add(trail)
            try startDetachedThread {
                AuditWriter(queue, sync: sync, floor(), tell: told).run()
            }
        } catch {
            throw AuditError(noThread: error)
        }
    }

    /// What waits is given up, unless `finish` has waited for it.
    deinit { queue.close(until: Moment.now) }

    /// Finds out whether a start could open the trail. None is made: it would be of the wrong user's.
    ///
    /// - Throws: `AuditError`, for what a start would fail on.
    package static func examine(_ place: AuditPlace) throws(AuditError) {
        switch place {
        case .standardError: _ = try OpenedTrail(place)
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
        guard case .file = place else { return }
        let trail = try OpenedTrail(place, turn)
        goesToStandardOutput.store(trail.isStandardOutput, ordering: .relaxed)
        queue.add(trail)
    }

    /// Whether records go where standard output goes.
    package var sharesStandardOutput: Bool { goesToStandardOutput.load(ordering: .relaxed) }

    /// Has a record written after those that were decided before; `Recorder` alone does.
    ///
    /// - Returns: false where it is left out, since too much waits or too little space is left.
    func add(_ entry: AuditEntry) -> Bool { queue.add(entry) }

    /// Records that are not written, lost or dropped yet.
    var waiting: Int { queue.waiting }

    /// Has what waits written, and takes nothing more.
    ///
    /// - Parameter patience: for so long.
    /// - Returns: how many records are not in the trail.
    package func finish(within patience: Duration) -> Int {
        let end = Moment.now + patience
        queue.close(until: end)
        // One that waits for a disk doesn't look at the clock.
        return queue.wait(until: end + .milliseconds(100))
    }
}
