// What is counted for one command.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// How the runs of a command went.
struct CommandCounts: Sendable {
    /// By the word's place among all.
    private var outcomes = Array(repeating: UInt64(0), count: CommandOutcome.Word.allCases.count)
    private(set) var failures: UInt64 = 0
    private(set) var replies: UInt64 = 0
    /// Of those whose duration is known.
    private(set) var durations = Histogram()
    private(set) var bytesIn: UInt64 = 0
    private(set) var bytesOut: UInt64 = 0
    private(set) var bytesError: UInt64 = 0

    mutating func add(_ end: CommandEnd) {
        let word = end.outcome.word
        if let place = CommandOutcome.Word.allCases.firstIndex(of: word) { outcomes[place].add(1) }
        if !end.outcome.isSuccess { failures.add(1) }
        guard let usage = end.usage else { return }
        durations.add(usage.duration.inSeconds)
        bytesIn.add(usage.bytesIn ?? 0)
        bytesOut.add(usage.bytesOut ?? 0)
        bytesError.add(usage.bytesError ?? 0)
    }

    mutating func addReplies(_ count: Int) { replies.add(count) }

    mutating func add(_ other: CommandCounts) {
        for place in outcomes.indices { outcomes[place] &+= other.outcomes[place] }
        failures &+= other.failures
        replies &+= other.replies
        durations.add(other.durations)
        bytesIn &+= other.bytesIn
        bytesOut &+= other.bytesOut
        bytesError &+= other.bytesError
    }

    /// Those that have occurred; `exit` always, so that the first one is an increase.
    var occurred: [(word: String, count: UInt64)] {
        zip(CommandOutcome.Word.allCases, outcomes).filter { $0 == .exit || $1 > 0 }
            .map { ($0.rawValue, $1) }
    }

    var isEmpty: Bool { outcomes.allSatisfy { $0 == 0 } && replies == 0 }
}

extension CommandOutcome {
    /// Whether the program has ended by itself with status 0.
    fileprivate var isSuccess: Bool {
        if case .ended(.status(0)) = self { true } else { false }
    }
}

/// How many durations were within each of a few limits.
struct Histogram: Sendable {
    /// In seconds; what took longer is only in `count`.
    static let limits = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800]

    /// For each limit, those within it and not within the one before.
    private var buckets = Array(repeating: UInt64(0), count: limits.count)
    private(set) var count: UInt64 = 0
    /// In seconds.
    private(set) var sum = 0.0

    mutating func add(_ seconds: Double) {
        count.add(1)
        sum += seconds
        if let place = Self.limits.firstIndex(where: { seconds <= $0 }) { buckets[place].add(1) }
    }

    mutating func add(_ other: Histogram) {
        for place in buckets.indices { buckets[place] &+= other.buckets[place] }
        count &+= other.count
        sum += other.sum
    }

    /// For each limit, how many were within it.
    var cumulative: [(limit: Double, count: UInt64)] {
        var total: UInt64 = 0
        return zip(Self.limits, buckets).map { limit, bucket in
            total &+= bucket
            return (limit, total)
        }
    }
}
