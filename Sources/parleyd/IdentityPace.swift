// How much of something one identity may have in a second.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// So much a second of one identity, starts of programs for instance, and that of ten seconds at once where it has had nothing for as long.
/// It forgets whoever has all of them again.
struct IdentityPace {
    /// In a second.
    let rate: Int
    private let allowance: Allowance
    /// When an identity has all of it again.
    private var full: [String: Moment] = [:]
    /// When to look for those that can be forgotten.
    private var mostKept = Self.leastKept

    init(rate: Int) {
        self.rate = rate
        allowance = Allowance(rate, burst: rate * Self.window)
    }

    /// - Parameter identity: by its first name or its key (`Identity.description`).
    /// - Returns: whether it may have another one now; it counts then.
    mutating func take(_ identity: String, at now: Moment) -> Bool {
        guard allowance.take(&full[identity, default: now], at: now) else { return false }
        if full.count > mostKept { forget(now) }
        return true
    }

    /// How much it may have now.
    func left(_ identity: String, at now: Moment) -> Int {
        allowance.left(full[identity] ?? now, at: now)
    }

    /// It had so much, whatever was left.
    mutating func spend(_ count: Int, of identity: String, at now: Moment) {
        allowance.spend(&full[identity, default: now], at: now, count: count)
        if full.count > mostKept { forget(now) }
    }

    /// Counts another one, whether or not one is left.
    ///
    /// - Returns: how long it has to wait for its turn.
    mutating func queue(_ identity: String, at now: Moment) -> Duration {
        let wait = allowance.wait(full[identity] ?? now, at: now)
        spend(1, of: identity, at: now)
        return wait
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
