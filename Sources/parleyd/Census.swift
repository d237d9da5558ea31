// Who is at the server: the connections of all its loops.
// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Counts connections over all loops of the network process. From any thread.
final class Census: Sendable {
    private let sessions = Atomic<Int>(0)
    private let told = Atomic<Int>(0)
    private let begun = Atomic<Int>(0)
    private let ends = Atomic<Bool>(false)

    /// Counts a connection, unless `most` are there.
    ///
    /// - Returns: whether it may begin; `sessionEnded()` must follow then.
    func sessionComes(most: Int) -> Bool {
        guard sessions.add(1, ordering: .relaxed).oldValue < most else {
            sessions.subtract(1, ordering: .relaxed)
            return false
        }
        return true
    }

    /// Counts a connection whose client is told that there is no place for it, unless `most` are.
    ///
    /// - Returns: whether it may be told; `tellingEnds()` must follow then.
    func tellingBegins(most: Int) -> Bool {
        guard told.add(1, ordering: .relaxed).oldValue < most else {
            told.subtract(1, ordering: .relaxed)
            return false
        }
        return true
    }

    func tellingEnds() { told.subtract(1, ordering: .relaxed) }

    /// Counts a session for which another one is about to go.
    func sessionComesAnyway() { sessions.add(1, ordering: .relaxed) }

    /// The number of the session that begins, from 1 on.
    var nextSession: Int { begun.add(1, ordering: .relaxed).newValue }

    func sessionEnded() { sessions.subtract(1, ordering: .relaxed) }

    /// The server ends: nothing is started any more.
    var isEnding: Bool { ends.load(ordering: .relaxed) }

    func beginEnding() { ends.store(true, ordering: .relaxed) }
}
