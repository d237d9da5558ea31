// The audit trail: where its lines go, and whether they have arrived there.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization
package import System

/// Appends records to a file or to standard error, on a thread of its own: a disk that hangs or a pipe that nobody reads holds
/// up only those who wait for a record. Safe on any thread.
package final class AuditFile: Sendable {
    /// Nil for standard error.
    private let path: String?
    /// Who it may share standard error with.
    private let turn: LineTurn?
    private let queue: AuditQueue
    /// The identity of the file that the next record goes to.
    private let goesToStandardOutput: Atomic<Bool>

    /// Opens the trail, and starts its thread.
    ///
    /// - Parameters:
    ///   - path: the file, created with mode 0600 if there is none; `-` for standard error.
    ///   - turn: coordinates with what it shares standard error with.
    ///   - syncs: waits until records of programs and reloads are on the disk (fdatasync(2)).
    ///   - told: called on the trail's thread.
    /// - Throws: `AuditError` if it can't be opened.
    package convenience init(
        _ path: String, _ turn: LineTurn? = nil, syncs: Bool, limits: AuditLimits = AuditLimits(),
        told: @escaping @Sendable (AuditNews) -> Void = { _ in }
    ) throws(AuditError) {
        let sync: (@Sendable (OpenedTrail) -> Errno?)? = if syncs { { $0.sync() } } else { nil }
        try self.init(
            path, turn, sync: sync, limits: limits, floor: { DiskFloor(limits.reserve) }, told: told
        )
    }

    /// - Parameters:
    ///   - sync: called on the trail's thread; nil if nothing waits for the disk.
    ///   - floor: called on the trail's thread.
    init(
        _ path: String, _ turn: LineTurn? = nil, sync: (@Sendable (OpenedTrail) -> Errno?)?,
        limits: AuditLimits,
        floor: @escaping @Sendable () -> DiskFloor,
        told: @escaping @Sendable (AuditNews) -> Void
    ) throws(AuditError) {
        self.path = path == "-" ? nil : path
        self.turn = turn
        let trail = try OpenedTrail(self.path, turn)
        goesToStandardOutput = Atomic(trail.isStandardOutput)
        do throws(Errno) {
            let queue = try AuditQueue(limits)
            self.queue = queue
            // What the thread's closure holds is held until the thread ends, including a file that
            // was moved away.
            queue.add(trail)
            try startDetachedThread {
                AuditWriter(queue, sync: sync, floor(), tell: told).run()
            }
        } catch {
            throw AuditError(noThread: error)
        }
    }

    /// What is waiting is given up, unless `finish` has waited for it.
    deinit { queue.close(until: Moment.now) }

    /// Finds out whether a start could open the trail. No file is created: it would belong to the
    /// wrong user.
    ///
    /// - Throws: `AuditError` if a start would fail.
    package static func examine(_ path: String) throws(AuditError) {
        guard path != "-" else {
            _ = try OpenedTrail(nil)
            return
        }
        do throws(FileError) {
            try TrustedFile.examine(appending: path)
        } catch {
            throw AuditError(error)
        }
    }

    /// Reopens the file, so that one that was moved away is released once all records decided before are in it. If that
    /// fails the old one stays in use.
    ///
    /// - Throws: `AuditError` if it can't be opened.
    package func reopen() throws(AuditError) {
        guard let path else { return }
        let trail = try OpenedTrail(path, turn)
        goesToStandardOutput.store(trail.isStandardOutput, ordering: .relaxed)
        queue.add(trail)
    }

    /// Whether records go to the same place as standard output.
    package var sharesStandardOutput: Bool { goesToStandardOutput.load(ordering: .relaxed) }

    /// Writes a record after those that were decided before; only `Recorder` calls this.
    ///
    /// - Returns: false if it is left out because too much is waiting or too little space is left.
    func add(_ entry: AuditEntry) -> Bool { queue.add(entry) }

    /// Records that are not yet written, lost or dropped.
    var waiting: Int { queue.waiting }

    /// Writes what is waiting, and accepts nothing more.
    ///
    /// - Parameter patience: how long to wait for that.
    /// - Returns: how many records are not in the trail.
    package func finish(within patience: Duration) -> Int {
        let end = Moment.now + patience
        queue.close(until: end)
        // A thread that waits for a disk doesn't look at the clock.
        return queue.wait(until: end + .milliseconds(100))
    }
}
