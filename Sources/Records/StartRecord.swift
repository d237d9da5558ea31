// What has become of the record of a program's start.
// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// What became of the record of a start.
package enum StartFate: UInt8, Sendable {
    /// It is written, and on the disk if that was requested: the program may start.
    case recorded = 1
    /// None of it is in the trail, and the program must not start.
    case failed = 2
    /// The program must not start, but its line is in the trail, or will be: part of it is written, or it may not have
    /// reached the disk. It needs an end.
    case begun = 3
}

/// The record of a start on its way into the trail. The record of the end, which may follow at any time, refers to it,
/// since there is none for a start that is not in the trail. Safe on any thread.
package final class StartRecord: Sendable {
    /// A fate; or that it isn't known yet, and whether somebody is waiting for it.
    private let state = Atomic(StartRecord.unknown)

    package init() {}

    /// Nil while it isn't known.
    package var fate: StartFate? { StartFate(rawValue: state.load(ordering: .acquiring)) }

    /// Requests a call when it is known that the program may start, which is otherwise not reported: usually it is known
    /// before anybody waits for it, and notifying another thread costs more than writing the record.
    ///
    /// - Returns: what is already known.
    package func wait() -> StartFate? {
        let (isWaitedFor, present) = state.compareExchange(
            expected: Self.unknown, desired: Self.waitedFor, ordering: .acquiringAndReleasing)
        return isWaitedFor ? nil : StartFate(rawValue: present)
    }

    /// - Returns: whether it must be reported.
    func settle(_ fate: StartFate) -> Bool {
        let before = state.exchange(fate.rawValue, ordering: .acquiringAndReleasing)
        return before == Self.waitedFor || fate != .recorded
    }

    private static let unknown: UInt8 = 0
    private static let waitedFor: UInt8 = 255
}
