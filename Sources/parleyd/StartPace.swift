// How often one identity's programs may start.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// So many starts a second of one identity, and those of ten seconds at once where it has started nothing for as long.
/// It forgets whoever has all of them again.
struct StartPace {
    /// Starts a second.
    let rate: Int
    private let allowance: Allowance
    /// When an identity has all of its starts again.
    private var full: [String: Moment] = [:]
    /// When to look for those that can be forgotten.
    private var mostKept = Self.leastKept

    init(rate: Int) {
        self.rate = rate
        allowance = Allowance(rate, burst: rate * Self.window)
    }

    /// - Parameter identity: by its first name or its key (`Identity.description`).
    /// - Returns: whether another start may be now; it counts then.
    mutating func take(_ identity: String, at now: Moment) -> Bool {
        guard allowance.take(&full[identity, default: now], at: now) else { return false }
        if full.count > mostKept { forget(now) }
        return true
    }

    /// How many identities are known.
    var count: Int { full.count }

    /// Each look costs as much as there are, so that the next one comes after as many as were kept.
    private mutating func forget(_ now: Moment) {
        full = full.filter { $0.value > now }
        mostKept = max(Self.leastKept, 2 * full.count)
    }

    /// A script that has been waiting begins with a burst of so many seconds.
    private static let window = 10
    private static let leastKept = 64
}
