// How much deciding the broker does in a turn of its loop.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
package import Sockets

/// Shares the work of a turn among the network process's loops, in steps of matching, of which a microsecond has some
/// 500. A request may cost as much as `MatchingWork` says and, beside that, what its bytes and its answer cost, and each
/// channel brings up to 64 posts in a turn: one client of each loop could keep the broker from all others.
/// Confined to the broker's loop.
///
/// Who was turned away waits in a row, and the first of it has a budget of its own in the next turn, so that
/// no loop keeps another waiting for ever. Each of the two budgets may be overdrawn by one post: a turn has twice the
/// limit and two posts' work at most.
package final class TurnWork {
    private let loop: EventLoop
    private var turn: UInt64 = 0
    /// Whose turn it is; gone from `waiting`.
    private var first: ObjectIdentifier?
    private var firstSpent = 0
    private var othersSpent = 0
    /// Turned away since they had anything, the one that waits for longest first.
    private var waiting: [ObjectIdentifier] = []
    /// Who had anything in this turn.
    private var served: Set<ObjectIdentifier> = []

    package init(on loop: EventLoop) { self.loop = loop }

    /// Whether something of that channel may be decided in this turn.
    func admits(_ channel: AnyObject) -> Bool {
        if turn != loop.turns { begin() }
        let channel = ObjectIdentifier(channel)
        if (channel == first ? firstSpent : othersSpent) < Self.limit { return true }
        if !served.contains(channel), !waiting.contains(channel) { waiting.append(channel) }
        return false
    }

    private func begin() {
        turn = loop.turns
        // One that has ended meanwhile leaves its share of one turn unused.
        first = waiting.isEmpty ? nil : waiting.removeFirst()
        firstSpent = 0
        othersSpent = 0
        served = []
    }

    /// Notes what was spent for a channel that was admitted.
    func spend(_ steps: Int, for channel: AnyObject) {
        guard steps > 0 else { return }
        let channel = ObjectIdentifier(channel)
        if channel == first { firstSpent += steps } else { othersSpent += steps }
        served.insert(channel)
        waiting.removeAll { $0 == channel }
    }

    /// What was spent in this turn.
    var spent: Int { firstSpent + othersSpent }

    /// What the turns of one loop are to take of each other's time, two milliseconds or so.
    static let limit = MatchingWork.limit
    /// Reading a post, looking its session up, answering it and recording what it tells.
    static let post = 10_000
    /// A byte of a post, or of an answer: it is copied a few times, compared, and some of it recorded.
    static let byte = 8
    /// A command of the table, where it is asked whether somebody may run it.
    static let entry = 100
    /// A program's start: its client's certificate is verified again, its place taken, its pipes and its keeper made.
    static let start = 100_000
}
