// A record on its way into the trail.
// SPDX-License-Identifier: Apache-2.0

/// A line that waits to be written, and what to do if it can't be.
struct AuditEntry: Sendable {
    enum Kind: Sendable {
        /// A client can cause any number of them. Left out if the queue is full or the disk is short, and lost if it
        /// can't be written.
        case frequent
        /// The server's own. Lost if it can't be written.
        case own
        /// A program waits for it: whoever settles it says so if that must be reported.
        case start(StartRecord, settled: @Sendable (StartFate) -> Void)
        /// Never left out. Kept if it can't be written, and dropped if its start is not in the trail.
        case end(StartRecord?)
    }

    var line: JSONLine
    let kind: Kind
    /// Whether it waits for the disk, if that was requested.
    let isDurable: Bool
    /// How many records left out before it this one reports: they are lost with it.
    let omitted: Int
    /// How much of the queue it takes, in bytes.
    let size: Int

    init(_ line: JSONLine, _ kind: Kind, isDurable: Bool, omitted: Int = 0) {
        self.line = line
        self.kind = kind
        self.isDurable = isDurable
        self.omitted = omitted
        size = line.count + Self.overhead
    }

    /// What has not begun has no end.
    var isNeedless: Bool {
        if case .end(let start?) = kind { start.fate == .failed } else { false }
    }

    var isWaitedFor: Bool { if case .start = kind { true } else { false } }

    private static let overhead = 128
}
