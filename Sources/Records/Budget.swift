// How many bytes of records clients can cause.
// SPDX-License-Identifier: Apache-2.0
package import System

/// What one identity may cause of frequent records, whatever the number of its sessions; or all clients without an identity
/// together. Otherwise one client could fill the disk, and nobody could run anything any more. Confined to its loop.
package final class Budget {
    /// Bytes a second; 2.6 GiB a day, where somebody never stops.
    package static let usualRate = 32 << 10

    private let allowance: Allowance
    private let now: () -> Moment
    /// When all is given back.
    private var full = Moment(nanoseconds: 0)
    /// Records that were left out, and that none that was written tells of.
    private(set) var omitted = 0
    /// Recorders that have it.
    private(set) var holders = 0
    private(set) var usedAt = Moment(nanoseconds: 0)

    /// - Parameter rate: bytes a second, of which those of 64 seconds may come at once. A record is written where one byte is
    ///   left, so that the last one may be too much.
    package init(rate: Int, now: @escaping () -> Moment) {
        allowance = Allowance(rate, burst: 64 * rate)
        self.now = now
    }

    /// - Returns: false where the record is to be left out.
    func admits() -> Bool { allowance.isLeft(full, at: now()) }

    /// A record of so many bytes is about to be written.
    func spend(_ bytes: Int) {
        usedAt = now()
        allowance.spend(&full, at: usedAt, count: bytes)
    }

    /// Whether it is as if it had never been used, but for what was left out.
    var isWhole: Bool { full <= now() }

    /// So many records are left out.
    func omit(_ records: Int) { omitted &+= records }

    /// A record that says how many were left out before it is about to be written.
    func takeOmitted() -> Int {
        defer { omitted = 0 }
        return omitted
    }

    func hold() { holders += 1 }
    func letGo() { holders -= 1 }
}
