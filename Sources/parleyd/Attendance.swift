// Who is connected to the server, as far as the broker knows.
// SPDX-License-Identifier: Apache-2.0

/// What a server that is shutting down waits for.
struct Counts: Equatable {
    /// Connections that were accepted and are not closed yet.
    var sessions = 0
    /// Programs whose end is not yet known and recorded.
    var programs = 0
}

/// Counts the programs and the connections of each of the network process's loops. The loops report their
/// connections only once the server is shutting down; until then each counts as having one. Confined to the main
/// loop.
struct Attendance {
    private var loops: [Int?]
    private(set) var programs = 0
    /// Sessions that the broker has heard of, whether or not the server is shutting down.
    private(set) var sessions = 0

    init(loops: Int) { self.loops = Array(repeating: nil, count: loops) }

    var counts: Counts {
        Counts(
            sessions: loops.reduce(0) { sum, connections in
                let (sum, isOver) = sum.addingReportingOverflow(connections ?? 1)
                return isOver ? .max : sum
            }, programs: programs)
    }

    mutating func sessionBegins() { sessions += 1 }
    mutating func sessionEnded() { sessions -= 1 }
    mutating func programStarts() { programs += 1 }
    mutating func programEnded() { programs -= 1 }

    /// A loop reports its number of connections.
    mutating func note(connections: Int, at loop: Int) { loops[loop] = connections }
}

extension Attendance {
    /// `2 sessions, 1 program running`.
    var words: String {
        let people = sessions == 1 ? "1 session" : "\(sessions) sessions"
        return programs == 1
            ? "\(people), 1 program running" : "\(people), \(programs) programs running"
    }
}
