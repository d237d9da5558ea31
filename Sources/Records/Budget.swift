// How many records a client can cause.
// SPDX-License-Identifier: Apache-2.0

/// So many frequent records a second, and how many there were beside them. Otherwise one client could
/// fill the disk, and nobody could run anything any more.
struct Budget {
    /// Records that were left out since one was written last.
    private(set) var omitted = 0
    private var second = 0
    private var used = 0

    /// - Parameter second: now, of any clock.
    /// - Returns: false where the record is left out.
    mutating func admits(at second: Int) -> Bool {
        if second != self.second { (self.second, used) = (second, 0) }
        used += 1
        guard used > Self.mostASecond else { return true }
        omitted += 1
        return false
    }

    /// A record that says how many were left out before it is about to be written.
    mutating func takeOmitted() -> Int {
        defer { omitted = 0 }
        return omitted
    }

    /// That record could not be written.
    mutating func giveBack(_ omitted: Int) { self.omitted += omitted }

    /// One client wrote 47 MiB a second without it, 27 times what it sent.
    static let mostASecond = 100
}
