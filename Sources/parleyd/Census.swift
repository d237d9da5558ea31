// Who is at the server: sessions and programs of all its loops.
// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// What a server that ends waits for.
struct Counts: Equatable {
    /// Connections that were taken and are not closed yet.
    var sessions = 0
    /// Programs whose end is not known and recorded yet.
    var programs = 0
}

/// Counts sessions and programs over all loops. From any thread.
final class Census: Sendable {
    private let sessions = Atomic<Int>(0)
    private let programs = Atomic<Int>(0)
    private let begun = Atomic<Int>(0)
    private let ends = Atomic<Bool>(false)
    private let told = Mutex<(@Sendable (Departure) -> Void)?>(nil)

    enum Departure {
        case session, program
    }

    /// Counts a session, unless `most` are there.
    ///
    /// - Returns: whether it may begin; `sessionEnded()` must follow then.
    func sessionComes(most: Int) -> Bool {
        guard sessions.add(1, ordering: .relaxed).oldValue < most else {
            sessions.subtract(1, ordering: .relaxed)
            return false
        }
        return true
    }

    /// The number of the session that begins, from 1 on.
    var nextSession: Int { begun.add(1, ordering: .relaxed).newValue }

    func sessionEnded() {
        sessions.subtract(1, ordering: .sequentiallyConsistent)
        tell(.session)
    }

    /// A program is about to start; `programEnded()` must follow.
    func programStarts() { programs.add(1, ordering: .sequentiallyConsistent) }

    func programEnded() {
        programs.subtract(1, ordering: .sequentiallyConsistent)
        tell(.program)
    }

    var counts: Counts {
        Counts(
            sessions: sessions.load(ordering: .sequentiallyConsistent),
            programs: programs.load(ordering: .sequentiallyConsistent))
    }

    /// The server ends: nothing is started any more.
    var isEnding: Bool { ends.load(ordering: .relaxed) }

    /// The server ends. Who leaves after this call is told of, on the thread where it happens; who
    /// had left before it does not count any more. So no last one is missed, if the counts are
    /// looked at afterwards.
    func beginEnding(_ departed: @escaping @Sendable (Departure) -> Void) {
        told.withLock { $0 = departed }
        ends.store(true, ordering: .sequentiallyConsistent)
    }

    private func tell(_ departure: Departure) {
        guard ends.load(ordering: .sequentiallyConsistent) else { return }
        told.withLock { $0 }?(departure)
    }
}
