// So much a second, and bursts of it.
// SPDX-License-Identifier: Apache-2.0

/// A rate that may be exceeded for a moment (a token bucket). Whoever is counted keeps one moment: when its bucket is full
/// again, which has passed for who has spent nothing.
package struct Allowance: Sendable {
    private let interval: UInt64
    private let depth: UInt64

    /// - Parameters:
    ///   - rate: a second, from 1 on.
    ///   - burst: how many may come at once.
    package init(_ rate: Int, burst: Int) {
        interval = UInt64(1_000_000_000 / max(1, rate))
        depth = interval * UInt64(max(1, burst))
    }

    /// Whether there is one left to spend.
    package func isLeft(_ full: Moment, at now: Moment) -> Bool {
        full.nanoseconds <= now.nanoseconds &+ (depth - interval)
    }

    /// Spends one; what isn't there is owed. Else many handshakes that were let in at once, while there was one left, would
    /// cost no more than that one.
    package func spend(_ full: inout Moment, at now: Moment) {
        full = Moment(nanoseconds: max(full, now).nanoseconds &+ interval)
    }
}
