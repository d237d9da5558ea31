// A rate per second, with bursts.
// SPDX-License-Identifier: Apache-2.0

/// A rate that may be exceeded for a moment (a token bucket). The state of a bucket is one moment: when it will be full
/// again, which is in the past if nothing was spent. No sum of these moments overflows.
package struct Allowance: Sendable {
    private let rate: UInt64
    /// How long it takes to fill a bucket from which all but one have been spent, in nanoseconds.
    private let patience: UInt64

    /// - Parameters:
    ///   - rate: per second, at least 1.
    ///   - burst: how many may come at once.
    package init(_ rate: Int, burst: Int) {
        self.rate = UInt64(max(1, rate))
        patience = Self.span(max(1, burst), self.rate) - Self.span(1, self.rate)
    }

    /// Whether there is one left to spend.
    package func isLeft(_ full: Moment, at now: Moment) -> Bool {
        full <= now.later(by: patience)
    }

    /// How many are left to spend.
    package func left(_ full: Moment, at now: Moment) -> Int {
        let all = patience + Self.span(1, rate)
        let used = full > now ? full.nanoseconds - now.nanoseconds : 0
        guard used < all else { return 0 }
        return Int(clamping: UInt128(all - used) * UInt128(rate) / 1_000_000_000)
    }

    /// How long it is until one is left to spend.
    package func wait(_ full: Moment, at now: Moment) -> Duration {
        let end = now.later(by: patience)
        return full > end ? full - end : .zero
    }

    /// Spends some; what isn't there is owed. Otherwise many handshakes that were admitted at once, while there was one
    /// left, would cost no more than that one.
    package func spend(_ full: inout Moment, at now: Moment, count: Int = 1) {
        full = max(full, now).later(by: Self.span(count, rate))
    }

    /// Spends one, if there is one.
    ///
    /// - Returns: whether there was.
    package func take(_ full: inout Moment, at now: Moment) -> Bool {
        guard isLeft(full, at: now) else { return false }
        spend(&full, at: now)
        return true
    }

    /// How long this many take to come back, in nanoseconds.
    private static func span(_ count: Int, _ rate: UInt64) -> UInt64 {
        UInt64(clamping: UInt128(max(0, count)) * 1_000_000_000 / UInt128(rate))
    }
}

extension Moment {
    fileprivate func later(by span: UInt64) -> Moment {
        let (sum, isOver) = nanoseconds.addingReportingOverflow(span)
        return isOver ? .never : Moment(nanoseconds: sum)
    }
}
