// What has become of the record of a program's start.
// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// What became of the record of a start.
package enum StartFate: UInt8, Sendable {
    /// It is written, and on the disk where that was asked for: the program may start.
    case recorded = 1
    /// Nothing of it is in the trail, and the program must not start.
    case failed = 2
    /// The program must not start, and its line is in the trail all the same, or will be: a part of it is written, or it
    /// may not have come to the disk. It needs an end.
    case begun = 3
}

/// A start's record on its way into the trail. The record of the end, which may follow at any time, has it, since there is
/// none for a start that is not in the trail. From any thread.
package final class StartRecord: Sendable {
    /// A fate; or that it isn't known yet, and whether somebody waits for it.
    private let state = Atomic(StartRecord.unknown)

    package init() {}

    /// Nil while it isn't known.
    package var fate: StartFate? { StartFate(rawValue: state.load(ordering: .acquiring)) }

    /// Has it told when it is known that its program may start, which is not told else: mostly it is known before anybody
    /// waits for it, and to tell another thread costs more than to write the record.
    ///
    /// - Returns: what is known already.
    package func wait() -> StartFate? {
        let (isWaitedFor, present) = state.compareExchange(
            expected: Self.unknown, desired: Self.waitedFor, ordering: .acquiringAndReleasing)
        return isWaitedFor ? nil : StartFate(rawValue: present)
    }

    /// - Returns: whether it is to be told.
    func settle(_ fate: StartFate) -> Bool {
        let before = state.exchange(fate.rawValue, ordering: .acquiringAndReleasing)
        return before == Self.waitedFor || fate != .recorded
    }

    private static let unknown: UInt8 = 0
    private static let waitedFor: UInt8 = 255
}
