// How many bytes of records clients can cause.
// SPDX-License-Identifier: Apache-2.0
package import System

/// How many frequent records one identity may cause, across all its sessions; or all clients without an identity together.
/// Otherwise one client could fill the disk, and nobody could run anything any more. Confined to its loop.
package final class Budget {
    /// Bytes per second; 2.6 GiB a day for a client that never stops.
    package static let usualRate = 32 << 10

    private let allowance: Allowance
    private let now: () -> Moment
    /// When the full budget is available again.
    private var full = Moment(nanoseconds: 0)
    /// Records that were left out and not yet reported by one that was written.
    private(set) var omitted = 0
    /// Recorders that use it.
    private(set) var holders = 0
    private(set) var usedAt = Moment(nanoseconds: 0)

    /// - Parameter rate: bytes per second; those of 64 seconds may come at once. A record is written if one byte is left, so
    ///   the last one may overdraw it.
    package init(rate: Int, now: @escaping () -> Moment) {
        allowance = Allowance(rate, burst: 64 * rate)
        self.now = now
    }

    /// - Returns: false if the record must be left out.
    func admits() -> Bool { allowance.isLeft(full, at: now()) }

    /// A record of this many bytes is about to be written.
    func spend(_ bytes: Int) {
        usedAt = now()
        allowance.spend(&full, at: usedAt, count: bytes)
    }

    /// Whether it is as if it had never been used, except for what was left out.
    var isWhole: Bool { full <= now() }

    /// This many records are left out.
    func omit(_ records: Int) { omitted &+= records }

    /// A record is about to be written that reports how many were left out before it.
    func takeOmitted() -> Int {
        defer { omitted = 0 }
        return omitted
    }

    func hold() { holders += 1 }
    func release() { holders -= 1 }
}
