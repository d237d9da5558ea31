// How much deciding the broker does in one turn of its loop.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
package import Sockets

/// Shares the work of a turn among the network process's loops, in steps of matching, of which about 500 take a
/// microsecond. A request may cost as much as `MatchingWork` says plus what its bytes and its answer cost, and each
/// channel delivers up to 64 posts per turn: without this, one client of each loop could keep the broker from all
/// others. Confined to the broker's loop.
///
/// Channels that were turned away wait in a queue, and the first of them has a budget of its own in the next turn, so
/// that no loop keeps another waiting for ever. Each of the two budgets may be overdrawn by one post: a turn takes at
/// most twice the limit plus two posts' work.
package final class TurnWork {
    private let loop: EventLoop
    private var turn: UInt64 = 0
    /// Whose turn it is; no longer in `waiting`.
    private var first: ObjectIdentifier?
    private var firstSpent = 0
    private var othersSpent = 0
    /// Turned away since they were last served, the one that has waited longest first.
    private var waiting: [ObjectIdentifier] = []
    /// Those that were served in this turn.
    private var served: Set<ObjectIdentifier> = []

    package init(on loop: EventLoop) { self.loop = loop }

    /// Whether something from that channel may be decided in this turn.
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

    /// Notes what was spent on a channel that was admitted.
    func spend(_ steps: Int, for channel: AnyObject) {
        guard steps > 0 else { return }
        let channel = ObjectIdentifier(channel)
        if channel == first { firstSpent += steps } else { othersSpent += steps }
        served.insert(channel)
        waiting.removeAll { $0 == channel }
    }

    /// What was spent in this turn.
    var spent: Int { firstSpent + othersSpent }

    /// How much time the loops' turns may take from each other, about two milliseconds.
    static let limit = MatchingWork.limit
    /// Reading a post, looking up its session, answering it and recording what it reports.
    static let post = 10_000
    /// A byte of a post or of an answer: it is copied a few times, compared, and partly recorded.
    static let byte = 8
    /// A command of the table, when checking whether somebody may run it.
    static let entry = 100
    /// The start of a program: its client's certificate is verified again, its place taken, its pipes and its keeper
    /// created.
    static let start = 100_000
}
