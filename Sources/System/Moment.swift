// The clock that never goes back, and durations.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux

/// A point in time on the monotonic clock (`CLOCK_MONOTONIC`, clock_gettime(2)), to the nanosecond. No
/// sum or difference of moments can trap: results beyond the clock's ends are clamped.
@frozen
public struct Moment: Hashable, Comparable, Sendable {
    /// Since the clock's start.
    public let nanoseconds: UInt64

    @inlinable
    public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// Reads the clock.
    public static var now: Moment {
        Moment(nanoseconds: UInt64(bitPattern: Int64(parley_nanoseconds())))
    }

    /// Later than all others, even after any addition.
    @inlinable
    public static var never: Moment { Moment(nanoseconds: .max) }

    @inlinable
    public static func < (a: Moment, b: Moment) -> Bool { a.nanoseconds < b.nanoseconds }

    /// Later by a duration, or earlier if it is negative.
    public static func + (moment: Moment, span: Duration) -> Moment {
        guard moment != .never else { return .never }
        let sum = Int128(moment.nanoseconds) + span.attoseconds / attosecondsInNanosecond
        return Moment(nanoseconds: UInt64(clamping: sum))
    }

    /// The duration from one moment to a later one; negative if the other is earlier.
    public static func - (later: Moment, earlier: Moment) -> Duration {
        let difference = Int128(later.nanoseconds) - Int128(earlier.nanoseconds)
        return Duration(attoseconds: difference * attosecondsInNanosecond)
    }
}

extension Duration {
    /// Seconds as a command line or a table has them, to the nearest nanosecond and at least one; zero
    /// for anything not above zero, and about 146 years for anything more.
    public init(seconds: Double) {
        guard seconds > 0 else {
            self = .zero
            return
        }
        self = .nanoseconds(Int64(max(1, min((seconds * 1e9).rounded(), 0x1p62))))
    }

    /// In seconds, for sentences: what `init(seconds:)` was given, if that had at most nine decimals and is
    /// less than 104 days.
    public var inSeconds: Double { Double(attoseconds / attosecondsInNanosecond) / 1e9 }

    /// `10 s`, `0.5 s`.
    public var words: String {
        let seconds = inSeconds
        return seconds == seconds.rounded() && abs(seconds) < 1e15
            ? "\(Int(seconds)) s" : "\(seconds) s"
    }

    /// Seconds with this many decimals, 1 to 9, truncated: `1.250`. Zero for a negative duration.
    public func seconds(decimals: Int) -> String {
        let (whole, nanoseconds) = inNanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        var rest = nanoseconds
        for _ in decimals..<9 { rest /= 10 }
        return "\(whole).\(String(rest, digits: decimals))"
    }

    /// In whole nanoseconds: zero for a negative duration, and the maximum for one that is too long.
    public var inNanoseconds: UInt64 {
        UInt64(clamping: attoseconds / attosecondsInNanosecond)
    }
}

private let attosecondsInNanosecond: Int128 = 1_000_000_000
