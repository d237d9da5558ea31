// The space on the trail's disk that only starts and ends may use.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import System

/// Checks a file system's free space from time to time: other records are left out while it is below a floor, so that
/// starts and ends still have room. Used by a single thread.
struct DiskFloor {
    /// In bytes; `free` is what a user without root's rights may use.
    struct Space {
        let free: UInt64
        let all: UInt64
    }

    private let reserve: UInt64
    private let measure: (Int32) -> Space?
    private var next = Moment(nanoseconds: 0)
    /// Since the last check.
    private var written: UInt64 = 0
    private(set) var isShort = false
    /// The floor of the file system that was last checked.
    private(set) var floor: UInt64 = 0

    /// - Parameters:
    ///   - reserve: in bytes, but at most an eighth of the file system; 0 for none.
    ///   - measure: asks the system.
    init(_ reserve: UInt64, measure: @escaping (Int32) -> Space? = Self.space) {
        self.reserve = reserve
        self.measure = measure
    }

    /// Checks, unless that was done a moment ago.
    ///
    /// - Returns: the free space if it has just become short or is no longer short; otherwise nil.
    mutating func look(at trail: OpenedTrail, _ now: Moment) -> UInt64? {
        guard reserve > 0, trail.isRegular, now >= next || written > floor / 4 else { return nil }
        next = now + Self.pause
        written = 0
        // If nobody can say, the writes themselves will.
        guard let space = measure(trail.number) else { return nil }
        floor = min(reserve, space.all / 8)
        // Not at every byte that comes or goes.
        let isShort = space.free < (isShort ? floor + floor / 8 : floor)
        defer { self.isShort = isShort }
        return isShort == self.isShort ? nil : space.free
    }

    /// This many bytes were written: on a small disk that may be a lot.
    mutating func note(written count: Int) { written += UInt64(count) }

    /// Another file is written from here on.
    mutating func forget() {
        next = Moment(nanoseconds: 0)
        isShort = false
    }

    /// When to check again even if nothing is written.
    var due: Moment { isShort ? next : .never }

    /// Others write to the disk as well.
    private static let pause = Duration.milliseconds(250)

    @Sendable private static func space(_ number: Int32) -> Space? {
        var status = statvfs()
        guard unsafe fstatvfs(number, &status) == 0 else { return nil }
        let unit = UInt64(status.f_frsize)
        return Space(free: UInt64(status.f_bavail) * unit, all: UInt64(status.f_blocks) * unit)
    }
}
