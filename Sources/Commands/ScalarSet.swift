// Which characters one position of a pattern accepts.
// SPDX-License-Identifier: Apache-2.0

/// Any of ASCII, and one range of the other Unicode scalars.
struct ScalarSet: Hashable, Sendable {
    /// A bit for each.
    private let ascii: UInt128
    /// Empty if the first is above the last.
    private let first: UInt32
    private let last: UInt32

    /// A scalar in a form that is fast to look up in many sets.
    struct Question {
        fileprivate let value: UInt32
        /// 0 for what is not ASCII.
        fileprivate let bit: UInt128

        init(_ scalar: Unicode.Scalar) {
            value = scalar.value
            bit = scalar.isASCII ? 1 << UInt128(scalar.value) : 0
        }
    }

    func contains(_ question: Question) -> Bool {
        ascii & question.bit != 0 || first <= question.value && question.value <= last
    }

    static let any = Self(ascii: .max, others: 0x80...highest)

    init(_ scalar: Unicode.Scalar) {
        ascii = Question(scalar).bit
        (first, last) = scalar.isASCII ? (1, 0) : (scalar.value, scalar.value)
    }

    private init(ascii: UInt128, others: ClosedRange<UInt32>?) {
        self.ascii = ascii
        (first, last) = others.map { ($0.lowerBound, $0.upperBound) } ?? (1, 0)
    }

    /// The fewest sets that together contain everything in some ranges: at least one.
    static func union(_ ranges: [ClosedRange<UInt32>]) -> [Self] {
        var ascii: UInt128 = 0
        var others: [ClosedRange<UInt32>] = []
        for range in merged(ranges) {
            for value in range.prefix(while: { $0 < 0x80 }) { ascii |= 1 << UInt128(value) }
            if range.upperBound >= 0x80 {
                others.append(max(0x80, range.lowerBound)...range.upperBound)
            }
        }
        return [Self(ascii: ascii, others: others.first)]
            + others.dropFirst().map { Self(ascii: 0, others: $0) }
    }

    /// What is in none of some ranges.
    static func complement(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        var gaps: [ClosedRange<UInt32>] = []
        var start: UInt32 = 0
        for range in merged(ranges) {
            if start < range.lowerBound { gaps.append(start...range.lowerBound - 1) }
            start = range.upperBound + 1
        }
        if start <= highest { gaps.append(start...highest) }
        return gaps
    }

    /// In order, and neither overlapping nor adjacent.
    private static func merged(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        var merged: [ClosedRange<UInt32>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, range.lowerBound <= last.upperBound + 1 {
                merged[merged.count - 1] =
                    last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        return merged
    }

    private static let highest: UInt32 = 0x10_ffff
}
