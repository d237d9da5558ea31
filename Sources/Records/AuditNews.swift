// What the log is told about the trail.
// SPDX-License-Identifier: Apache-2.0

/// Something has happened to the trail that whoever runs the server should know.
package enum AuditNews: Sendable {
    /// A record is lost, and the one before it was not.
    case loses(AuditError)
    /// Records were written, but it isn't known whether they reached the disk.
    case doubts(AuditError)
    /// Records that are never left out can't be written: they are kept, and no program starts until they are
    /// written.
    case keeps(AuditError)
    /// The number of kept records that are now written.
    case hasWritten(kept: Int)
    /// The reader of a pipe or a socket has stopped reading: starts wait.
    case waits
    /// It is reading again.
    case goesOn
    /// Only this many bytes are free on its disk, and they are for starts and ends.
    case isShort(of: UInt64, free: UInt64)
    /// There is room for all records again.
    case hasRoom
}
