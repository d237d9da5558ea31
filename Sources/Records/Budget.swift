// How many records a client can cause.
// SPDX-License-Identifier: Apache-2.0

/// So many frequent records a second, and how many there were beside them. Otherwise one client could
/// fill the disk, and nobody could run anything any more.
struct Budget {
    /// Records that were left out, and that none that was written tells of.
    private var omitted = 0
    /// Those of them that somebody else has left out since the second began.
    private var foreign = 0
    private var second = 0
    private var used = 0

    /// - Parameter second: now, of any clock.
    /// - Returns: false where the record is left out.
    mutating func admits(at second: Int) -> Bool {
        if second != self.second {
            (self.second, used) = (second, 0)
            omitted += foreign
            foreign = 0
        }
        used += 1
        guard used > Self.mostASecond else { return true }
        omitted += 1
        return false
    }

    /// Somebody has left out so many before this budget was asked, by a second of his own. They are told when a second
    /// of this one has passed, or a record comes that isn't frequent: one second only is to be seen in the trail.
    mutating func omit(_ records: Int) { foreign += records }

    /// A record that says how many were left out before it is about to be written.
    mutating func takeOmitted(isFrequent: Bool) -> Int {
        if !isFrequent {
            omitted += foreign
            foreign = 0
        }
        defer { omitted = 0 }
        return omitted
    }

    /// That record could not be written.
    mutating func giveBack(_ omitted: Int) { self.omitted += omitted }

    /// One client wrote 47 MiB a second without it, 27 times what it sent.
    /// Whoever sends what is to be recorded may send more of it, and not less.
    static let mostASecond = 100
}
