// Who waits for a descriptor to be free.
// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Descriptors run out for all loops at once, and whoever closes some tells those that wait. From any
/// thread.
final class FreeDescriptors: Sendable {
    /// Listening sockets at which accepting waits.
    private let paused = Atomic<Int>(0)
    private let waiting = Mutex<[@Sendable () -> Void]>([])

    /// Has `call` made when a descriptor is free again.
    func whenFree(_ call: @escaping @Sendable () -> Void) { waiting.withLock { $0.append(call) } }

    /// Accepting waits for a descriptor at one more listening socket, or at one less.
    func notePause(_ isPaused: Bool) { paused.add(isPaused ? 1 : -1, ordering: .relaxed) }

    /// Somebody has closed some, or is about to.
    func freed() {
        guard paused.load(ordering: .relaxed) > 0 else { return }
        for call in waiting.withLock({ $0 }) { call() }
    }
}
