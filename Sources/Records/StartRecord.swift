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
    private let state = Atomic<UInt8>(0)

    package init() {}

    /// Nil while it isn't known.
    package var fate: StartFate? { StartFate(rawValue: state.load(ordering: .acquiring)) }

    func settle(_ fate: StartFate) { state.store(fate.rawValue, ordering: .releasing) }
}
