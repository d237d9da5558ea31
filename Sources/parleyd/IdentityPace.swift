// How much of something one identity may have in a second.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// So much a second of one identity, starts of programs for instance, and that of ten seconds at once where it has had nothing for as long.
/// It forgets whoever has all of them again.
struct IdentityPace {
    /// In a second.
    let rate: Int
    /// Until when what an identity had fills its seconds, where that is later than now.
    private var ends: [String: Moment] = [:]
    /// When to look for those that can be forgotten.
    private var mostKept = Self.leastKept

    init(rate: Int) { self.rate = rate }

    /// - Parameter identity: by its first name or its key (`Identity.description`).
    /// - Returns: whether it may have another one now; it counts then.
    mutating func take(_ identity: String, at now: Moment) -> Bool {
        let end = end(of: identity, after: 1, at: now)
        guard end - now <= Self.window else { return false }
        note(identity, end, at: now)
        return true
    }

    /// How much it may have now.
    func left(_ identity: String, at now: Moment) -> Int {
        let used = end(of: identity, after: 0, at: now) - now
        // More may have been spent than was left.
        guard used < Self.window else { return 0 }
        return Int((Self.window - used).inNanoseconds) / 1_000 * rate / 1_000_000
    }

    /// It had so much, whatever was left.
    mutating func spend(_ count: Int, of identity: String, at now: Moment) {
        note(identity, end(of: identity, after: count, at: now), at: now)
    }

    private func end(of identity: String, after count: Int, at now: Moment) -> Moment {
        max(ends[identity] ?? now, now) + .nanoseconds(Int64(count) * 1_000_000_000 / Int64(rate))
    }

    private mutating func note(_ identity: String, _ end: Moment, at now: Moment) {
        ends[identity] = end
        if ends.count > mostKept { forget(now) }
    }

    /// How many identities are known.
    var count: Int { ends.count }

    /// Each look costs as much as there are, so that the next one comes after as many as were kept.
    private mutating func forget(_ now: Moment) {
        ends = ends.filter { $0.value > now }
        mostKept = max(Self.leastKept, 2 * ends.count)
    }

    /// A script that has been waiting begins with a burst.
    static let window = Duration.seconds(10)
    private static let leastKept = 64
}
