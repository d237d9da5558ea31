// Tests of the token bucket.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import System

struct AllowanceTests {
    private static func moment(_ milliseconds: Int) -> Moment {
        Moment(nanoseconds: 1_000_000_000_000) + .milliseconds(milliseconds)
    }

    @Test(arguments: [1, 3, 7, 200, 1_000, 10_000])
    func asManyComeAtOnce_asMay_andThenAsManyASecond(_ rate: Int) {
        let burst = 10 * rate
        let allowance = Allowance(rate, burst: burst)
        var full = Moment(nanoseconds: 0)
        func take(at time: Int) -> Int {
            var count = 0
            while allowance.take(&full, at: Self.moment(time)) { count += 1 }
            return count
        }
        #expect(take(at: 0) == burst)
        #expect(take(at: 0) == 0)
        #expect(take(at: 1_000) == rate)
        #expect(take(at: 4_000) == 3 * rate)
        // However long nobody came.
        #expect(take(at: 1_000_000) == burst)
    }

    @Test func whoIsWithinTheRate_isNeverRefused() {
        let allowance = Allowance(200, burst: 1)
        var full = Moment(nanoseconds: 0)
        let taken = (0..<10_000).count { allowance.take(&full, at: Self.moment($0 * 5)) }
        #expect(taken == 10_000)
    }

    @Test func whatIsSpentWithoutBeingThere_isOwed() {
        let allowance = Allowance(10, burst: 5)
        var full = Moment(nanoseconds: 0)
        for _ in 0..<15 { allowance.spend(&full, at: Self.moment(0)) }
        #expect(!allowance.isLeft(full, at: Self.moment(1_000)))
        #expect(allowance.isLeft(full, at: Self.moment(1_100)))
        // Several at once cost as much as one after the other.
        var other = Moment(nanoseconds: 0)
        allowance.spend(&other, at: Self.moment(0), count: 15)
        #expect(other == full)
    }

    @Test func nothingOverflows() {
        for (rate, burst) in [(1, 1), (1, Int.max), (.max, 1), (.max, .max), (0, 0)] {
            let allowance = Allowance(rate, burst: burst)
            var full = Moment(nanoseconds: 0)
            for now in [Moment(nanoseconds: 0), Moment(nanoseconds: .max / 2), .never] {
                allowance.spend(&full, at: now, count: 1)
                allowance.spend(&full, at: now, count: .max)
                _ = allowance.take(&full, at: now)
            }
            #expect(full >= Moment(nanoseconds: .max / 2))
        }
    }
}
