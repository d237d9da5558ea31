// How long the operations of a run took.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// All samples, in nanoseconds up to four seconds.
final class Latencies {
    private var samples: [UInt32] = []

    init() { samples.reserveCapacity(1 << 20) }

    @inline(__always)
    func add(_ span: Duration) {
        samples.append(UInt32(clamping: span.inNanoseconds))
    }

    func removeAll() { samples.removeAll(keepingCapacity: true) }

    /// The times that 50, 99 and 99.9 % of the operations did not exceed; nil without any.
    func percentiles() -> (UInt32, UInt32, UInt32)? {
        guard !samples.isEmpty else { return nil }
        samples.sort()
        let last = Double(samples.count - 1)
        return (
            samples[Int(last * 0.5)], samples[Int(last * 0.99)], samples[Int(last * 0.999)]
        )
    }
}
