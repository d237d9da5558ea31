// How many bytes of records clients can cause.
// SPDX-License-Identifier: Apache-2.0
package import System

/// What one identity may cause of frequent records, whatever the number of its sessions; or all clients without an identity
/// together. Otherwise one client could fill the disk, and nobody could run anything any more. Confined to its loop.
package final class Budget {
    /// So many bytes a second, and what may come at once. A record is written where less than that was, so that the last
    /// one may be too much.
    package struct Rate: Sendable {
        package let bytesASecond: Int
        /// Bytes are given back within that time.
        package static let span = Duration.seconds(64)

        /// 2.6 GiB a day, where somebody never stops.
        package static let usual = 32 << 10

        package init(bytesASecond: Int) { self.bytesASecond = bytesASecond }

        package var burst: Int { bytesASecond * 64 }
    }

    private let rate: Rate
    private let now: () -> Moment
    /// When all is given back.
    private var due = Moment(nanoseconds: 0)
    /// Records that were left out, and that none that was written tells of.
    private(set) var omitted = 0
    /// Recorders that have it.
    private(set) var holders = 0
    private(set) var usedAt = Moment(nanoseconds: 0)

    package init(_ rate: Rate, now: @escaping () -> Moment) {
        self.rate = rate
        self.now = now
    }

    /// - Returns: false where the record is to be left out.
    func admits() -> Bool { max(due, now()) - now() < Rate.span }

    /// A record of so many bytes is about to be written.
    func spend(_ bytes: Int) {
        usedAt = now()
        due =
            max(due, usedAt) + .nanoseconds(Int64(bytes) * 1_000_000_000 / Int64(rate.bytesASecond))
    }

    /// Whether it is as if it had never been used, but for what was left out.
    var isWhole: Bool { due <= now() }

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
