// Who is connected to the server: the connections of all its loops.
// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Counts connections across all loops of the network process. Safe on any thread.
final class Census: Sendable {
    private let sessions = Atomic<Int>(0)
    private let told = Atomic<Int>(0)
    private let begun = Atomic<Int>(0)
    private let ends = Atomic<Bool>(false)

    /// Counts a connection unless there are already `limit`.
    ///
    /// - Returns: whether it may begin; if so, `sessionEnded()` must follow.
    func sessionComes(limit: Int) -> Bool {
        guard sessions.add(1, ordering: .relaxed).oldValue < limit else {
            sessions.subtract(1, ordering: .relaxed)
            return false
        }
        return true
    }

    /// Counts a connection whose client is told that there is no room for it, unless there are
    /// already `limit` of these.
    ///
    /// - Returns: whether the client may be told; if so, `tellingEnds()` must follow.
    func tellingBegins(limit: Int) -> Bool {
        guard told.add(1, ordering: .relaxed).oldValue < limit else {
            told.subtract(1, ordering: .relaxed)
            return false
        }
        return true
    }

    func tellingEnds() { told.subtract(1, ordering: .relaxed) }

    /// Counts a session for which another one is about to leave.
    func sessionComesAnyway() { sessions.add(1, ordering: .relaxed) }

    /// The number of the session that begins, counted from 1.
    var nextSession: Int { begun.add(1, ordering: .relaxed).newValue }

    func sessionEnded() { sessions.subtract(1, ordering: .relaxed) }

    /// The server is shutting down: nothing is started any more.
    var isEnding: Bool { ends.load(ordering: .relaxed) }

    func beginEnding() { ends.store(true, ordering: .relaxed) }
}
