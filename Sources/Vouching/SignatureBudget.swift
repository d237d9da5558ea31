// How often a key signs for a channel.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// A rate of signatures per second, and as many at once: whoever controls a network process can have signatures
/// made, as its own handshakes need them, but not a million of them.
struct SignatureBudget {
    private let rate: Int
    private var left: Int
    private var filled: Moment

    /// - Parameter rate: signatures per second.
    init(rate: Int, at now: Moment) {
        self.rate = rate
        left = rate
        filled = now
    }

    /// - Returns: whether there is one left.
    mutating func take(at now: Moment) -> Bool {
        if now - filled >= .seconds(1) {
            left = rate
            filled = now
        }
        guard left > 0 else { return false }
        left -= 1
        return true
    }
}
