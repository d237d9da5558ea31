// Tests of the clock's arithmetic.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import System

struct MomentTests {
    @Test func sum_isLaterByASpan_orEarlierByOneBelowZero() {
        let start = Moment(nanoseconds: 5)
        #expect(start + .seconds(2) == Moment(nanoseconds: 2_000_000_005))
        #expect(start + .zero == start)
        #expect(start + .nanoseconds(-3) == Moment(nanoseconds: 2))
    }

    @Test func sum_endsAtTheClocksEnds() {
        let start = Moment(nanoseconds: 5)
        let longest = Duration(attoseconds: .max)
        #expect(start + longest == .never)
        #expect(start + Duration(attoseconds: .min) == Moment(nanoseconds: 0))
        #expect(start + .seconds(-1) == Moment(nanoseconds: 0))
        #expect(Moment(nanoseconds: .max - 1) + .nanoseconds(2) == .never)
        #expect(Moment.never + .seconds(-1) == .never)
        #expect(Moment.never + longest == .never)
    }

    @Test(arguments: [0, 1, 5, UInt64(Int64.max), .max - 1, .max], [0, 1, 7, .max] as [UInt64])
    func difference_isTheSpanBetween_andBelowZeroTheOtherWayRound(later: UInt64, earlier: UInt64) {
        let (a, b) = (Moment(nanoseconds: later), Moment(nanoseconds: earlier))
        let span = a - b
        #expect((span < .zero) == (a < b))
        #expect(b - a == .zero - span)
        #expect(span.inNanoseconds == (later > earlier ? later - earlier : 0))
        if b != .never { #expect(b + span == a) }
    }

    @Test func never_isLaterThanAllOthers() {
        let moments = [0, 1, 1 << 63, .max - 1, .max].map(Moment.init(nanoseconds:))
        #expect(moments.shuffled().sorted() == moments)
        #expect(moments.last == .never)
        #expect(Moment.now < .never)
    }

    /// That of timerfd_create(2), which is handed a moment.
    @Test func clock_isTheMonotonicOne() {
        let start = Moment(nanoseconds: 0)
        let before = kernelsClock()
        let now = Moment.now - start
        #expect(before <= now)
        #expect(now <= kernelsClock())
    }

    @Test(arguments: [1e-9, 0.1, 0.25, 0.3, 1.1, 1.123_456_789, 300, 31_536_000])
    func seconds_areKeptToTheNanosecond(seconds: Double) {
        let span = Duration(seconds: seconds)
        #expect(span.inSeconds == seconds)
        #expect((Moment(nanoseconds: 7) + span) - Moment(nanoseconds: 7) == span)
    }

    @Test(
        arguments: [
            (0, 0), (-0.0, 0), (-1, 0), (-.infinity, 0), (.nan, 0), (1e-300, 1), (4e-10, 1),
            (1.6e-9, 2), (1e300, 1 << 62), (.infinity, 1 << 62),
            (.greatestFiniteMagnitude, 1 << 62),
        ] as [(Double, UInt64)])
    func seconds_areAnySpan_andNeverTrap(seconds: Double, nanoseconds: UInt64) {
        #expect(Duration(seconds: seconds).inNanoseconds == nanoseconds)
    }

    @Test func nanoseconds_areWholeOnes_asFarAsTheyCanBeCounted() {
        #expect(Duration(attoseconds: 1_999_999_999).inNanoseconds == 1)
        #expect(Duration(attoseconds: -1).inNanoseconds == 0)
        #expect(Duration.seconds(-1).inNanoseconds == 0)
        #expect(Duration(attoseconds: .max).inNanoseconds == .max)
        #expect(Duration(attoseconds: .min).inNanoseconds == 0)
    }

    private func kernelsClock() -> Duration {
        unsafe withUnsafeTemporaryAllocation(of: timespec.self, capacity: 1) { time in
            unsafe clock_gettime(CLOCK_MONOTONIC, time.baseAddress!)
            return unsafe time.withMemoryRebound(to: Int.self) {
                unsafe .seconds($0[0]) + .nanoseconds($0[1])
            }
        }
    }

    @Test(arguments: [
        (Duration.zero, 3, "0.000"), (.nanoseconds(1_999_999), 3, "0.001"),
        (.milliseconds(61_250), 3, "61.250"), (.microseconds(7), 6, "0.000007"),
        (.seconds(-1), 6, "0.000000"), (.nanoseconds(123_456_789), 9, "0.123456789"),
    ])
    func seconds_areCutToTheirDecimals(_ duration: Duration, _ decimals: Int, _ text: String) {
        #expect(duration.seconds(decimals: decimals) == text)
    }
}
