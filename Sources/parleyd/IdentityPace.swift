// How much of something one identity may have per second.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// A rate per identity, for example of program starts. An identity that has had nothing for ten seconds may have ten seconds' worth at
/// once. An identity that has its full burst again is forgotten.
struct IdentityPace {
    /// Per second.
    let rate: Int
    private let allowance: Allowance
    /// When an identity has its full burst again.
    private var full: [String: Moment] = [:]
    /// When to look for identities that can be forgotten.
    private var maxKept = Self.leastKept

    init(rate: Int) {
        self.rate = rate
        allowance = Allowance(rate, burst: rate * Self.window)
    }

    /// - Parameter identity: its first name or its key (`Identity.description`).
    /// - Returns: whether it may have one more now; if so, that is counted.
    mutating func take(_ identity: String, at now: Moment) -> Bool {
        guard allowance.take(&full[identity, default: now], at: now) else { return false }
        if full.count > maxKept { forget(now) }
        return true
    }

    /// How much it may have now.
    func left(_ identity: String, at now: Moment) -> Int {
        allowance.left(full[identity] ?? now, at: now)
    }

    /// It has used this much, whatever was left.
    mutating func spend(_ count: Int, of identity: String, at now: Moment) {
        allowance.spend(&full[identity, default: now], at: now, count: count)
        if full.count > maxKept { forget(now) }
    }

    /// Counts another one, whether or not one is left.
    ///
    /// - Parameter limit: the longest wait; nothing that would have to wait longer is owed, so that an identity isn't held to
    ///   what it did a while ago.
    /// - Returns: how long it has to wait for its turn.
    mutating func queue(_ identity: String, at now: Moment, limit: Duration) -> Duration {
        let wait = allowance.wait(full[identity] ?? now, at: now)
        guard wait <= limit else { return limit }
        spend(1, of: identity, at: now)
        return wait
    }

    /// How many identities are known.
    var count: Int { full.count }

    /// Each scan costs in proportion to their number, so the next one comes after as many additions
    /// as were kept.
    private mutating func forget(_ now: Moment) {
        full = full.filter { $0.value > now }
        maxKept = max(Self.leastKept, 2 * full.count)
    }

    /// A script that has been waiting may begin with a burst of this many seconds.
    private static let window = 10
    private static let leastKept = 64
}
