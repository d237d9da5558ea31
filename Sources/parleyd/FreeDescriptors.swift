// Who is waiting for a free descriptor.
// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
internal import System

/// Descriptors run out for all loops at once, so whoever closes some notifies those that wait. Safe
/// on any thread.
final class FreeDescriptors: Sendable {
    /// Listening sockets on which accepting is paused.
    private let paused = Atomic<Int>(0)
    private let lackedAt = Atomic<UInt64>(0)
    private let waiting = Mutex<[@Sendable () -> Void]>([])

    /// Calls `call` when a descriptor is free again.
    func whenFree(_ call: @escaping @Sendable () -> Void) { waiting.withLock { $0.append(call) } }

    /// Accepting is paused for lack of a descriptor on one more listening socket, or on one fewer.
    func notePause(_ isPaused: Bool) { paused.add(isPaused ? 1 : -1, ordering: .relaxed) }

    /// A connection waits, and no descriptor is free.
    func noteLack() { lackedAt.store(Moment.now.nanoseconds, ordering: .relaxed) }

    /// Whether there was none a moment ago. While a connection waits for one, that is found out ten times a second; if
    /// none waits any more, nobody notices that some are free again.
    var areLacking: Bool {
        let last = lackedAt.load(ordering: .relaxed)
        return last > 0 && Moment.now - Moment(nanoseconds: last) < .milliseconds(200)
    }

    /// Some descriptors were closed, or are about to be.
    func freed() {
        guard paused.load(ordering: .relaxed) > 0 else { return }
        for call in waiting.withLock({ $0 }) { call() }
    }
}
