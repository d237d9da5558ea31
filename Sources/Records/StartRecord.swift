// What has become of the record of a program's start.
// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// What became of the record of a start.
package enum StartFate: UInt8, Sendable {
    /// It is written, and on the disk if that was requested: the program may start.
    case recorded = 1
    /// None of it is in the trail, and the program must not start.
    case failed = 2
    /// The program must not start, but its line is in the trail, or will be: part of it is written, it may not have
    /// reached the disk, or only one of several places has it. It needs an end.
    case begun = 3
}

/// The record of a start on its way into the trail. The record of the end, which may follow at any time, refers to it,
/// since a place has none for a start that it doesn't have. Safe on any thread.
package final class StartRecord: Sendable {
    private struct State {
        /// In each place; nil while it isn't known there.
        var fates: [StartFate?]
        /// Whether somebody is waiting for it.
        var isWaitedFor = false

        /// In all of them together.
        var fate: StartFate? {
            var common: StartFate?
            for fate in fates {
                guard let fate else { return nil }
                common = common == nil || common == fate ? fate : .begun
            }
            return common
        }
    }

    private let state: Mutex<State>

    /// - Parameter places: in how many it is to be written.
    package init(places: Int = 1) {
        state = Mutex(State(fates: Array(repeating: nil, count: places)))
    }

    /// Nil while it isn't known.
    package var fate: StartFate? { state.withLock { $0.fate } }

    /// In one of the places; nil while it isn't known there.
    func fate(in place: Int) -> StartFate? { state.withLock { $0.fates[place] } }

    /// Requests a call when it is known that the program may start, which is otherwise not reported: usually it is known
    /// before anybody waits for it, and notifying another thread costs more than writing the record.
    ///
    /// - Returns: what is already known.
    package func wait() -> StartFate? {
        state.withLock { state in
            if let fate = state.fate { return fate }
            state.isWaitedFor = true
            return nil
        }
    }

    /// Notes what became of it in a place.
    ///
    /// - Returns: what must be reported, once it is known in all places; nil if nothing must be.
    func settle(_ fate: StartFate, in place: Int) -> StartFate? {
        state.withLock { state in
            state.fates[place] = fate
            guard let fate = state.fate, fate != .recorded || state.isWaitedFor else { return nil }
            return fate
        }
    }
}
