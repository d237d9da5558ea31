// How often one identity's programs may start.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// So many starts a second of one identity, and those of ten seconds at once where it has started nothing for as long.
/// It forgets whoever has all of them again.
struct IdentityPace {
    /// Starts a second.
    let rate: Int
    /// Until when the starts of an identity fill its seconds, where that is later than now.
    private var ends: [String: Moment] = [:]
    /// When to look for those that can be forgotten.
    private var mostKept = Self.leastKept

    init(rate: Int) { self.rate = rate }

    /// - Parameter identity: by its first name or its key (`Identity.description`).
    /// - Returns: whether another start may be now; it counts then.
    mutating func take(_ identity: String, at now: Moment) -> Bool {
        let end = max(ends[identity] ?? now, now) + .nanoseconds(1_000_000_000 / Int64(rate))
        guard end - now <= Self.window else { return false }
        ends[identity] = end
        if ends.count > mostKept { forget(now) }
        return true
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
