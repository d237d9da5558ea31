// Who is waiting for a free descriptor.
// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Descriptors run out for all loops at once, so whoever closes some notifies those that wait. Safe
/// on any thread.
final class FreeDescriptors: Sendable {
    /// Listening sockets on which accepting is paused.
    private let paused = Atomic<Int>(0)
    private let waiting = Mutex<[@Sendable () -> Void]>([])

    /// Calls `call` when a descriptor is free again.
    func whenFree(_ call: @escaping @Sendable () -> Void) { waiting.withLock { $0.append(call) } }

    /// Accepting is paused for lack of a descriptor on one more listening socket, or on one fewer.
    func notePause(_ isPaused: Bool) { paused.add(isPaused ? 1 : -1, ordering: .relaxed) }

    /// Whether accepting is paused anywhere.
    var areExhausted: Bool { paused.load(ordering: .relaxed) > 0 }

    /// Some descriptors were closed, or are about to be.
    func freed() {
        guard areExhausted else { return }
        for call in waiting.withLock({ $0 }) { call() }
    }
}
