// Writes bytes to the trail.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// Writes to what is open, and waits for its reader; a disk blocks the thread. Confined to the trail's thread.
final class AuditPen {
    private let queue: AuditQueue
    var trail: OpenedTrail
    private let tell: (AuditNews) -> Void
    private var hasSaidThatItWaits = false

    init(_ queue: AuditQueue, _ trail: OpenedTrail, tell: @escaping (AuditNews) -> Void) {
        self.queue = queue
        self.trail = trail
        self.tell = tell
    }

    /// Writes bytes, and waits for room in a pipe.
    ///
    /// - Returns: how many were written, and why not all of them.
    func put(_ bytes: [UInt8]) -> (count: Int, failure: AuditError?) {
        var count = 0
        var since: Moment?
        while count < bytes.count {
            switch trail.write(bytes.span.extracting(droppingFirst: count)) {
            case .wrote(let written):
                count += written
                since = nil
            case .isTaken:
                let now = Moment.now
                guard now < queue.end ?? .never else { return (count, .unread) }
                queue.bell.wait(until: now + LineTurn.pause)
            case .isFull:
                let began = since ?? Moment.now
                since = began
                guard waitForRoom(since: began) else { return (count, .unread) }
            case .failed(let reason): return (count, AuditError(writing: reason))
            }
        }
        if hasSaidThatItWaits, !bytes.isEmpty {
            hasSaidThatItWaits = false
            tell(.goesOn)
        }
        return (count, nil)
    }

    /// - Returns: false if nothing is waited for any more.
    private func waitForRoom(since began: Moment) -> Bool {
        let now = Moment.now
        let end = queue.end ?? .never
        guard now < end else { return false }
        let telling = hasSaidThatItWaits ? .never : began + Self.patience
        if now >= telling {
            hasSaidThatItWaits = true
            tell(.waits)
        }
        queue.bell.wait(
            orRoomIn: trail.number, until: min(end, max(telling, now + .milliseconds(1))))
        return true
    }

    /// How long a reader may take before the log says that it is being waited for.
    private static let patience = Duration.seconds(2)
}
