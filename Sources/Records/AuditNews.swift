// What the log is told of the trail.
// SPDX-License-Identifier: Apache-2.0

/// What has happened to the trail that whoever runs the server should know.
package enum AuditNews: Sendable {
    /// A record is lost, and the one before it was not.
    case loses(AuditError)
    /// Records are written, and it isn't known whether they came to the disk.
    case doubts(AuditError)
    /// Records that are never left out can't be written: they are kept, and no program starts until they are.
    case keeps(AuditError)
    /// So many records that were kept are written.
    case hasWritten(kept: Int)
    /// The reader of a pipe or a socket doesn't read on: starts wait.
    case waits
    /// It does again.
    case goesOn
    /// Only so many bytes are free on its disk, which are for starts and ends.
    case isShort(of: UInt64, free: UInt64)
    /// There is room for all records again.
    case hasRoom
}
