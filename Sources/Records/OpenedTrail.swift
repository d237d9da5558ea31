// What records are currently written to.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// A place that is open for records. Closed when released. Used by the place's thread.
protocol OpenedTrail: AnyObject, Sendable {
    /// Its descriptor, to wait for room in it.
    var number: Int32 { get }
    /// Whether it is a file, which accepts what it is given at once or blocks the writer; the others report
    /// when they have no room.
    var isRegular: Bool { get }
    /// The maximum number of bytes of whole records to write at once; a single record may be longer.
    var maxAtOnce: Int { get }
    /// Nil if nothing else in this process writes there.
    var turn: LineTurn? { get }

    /// Appends a record in the form that the place accepts.
    func append(_ line: JSONLine, to bytes: inout [UInt8])

    /// Writes as much as is accepted now.
    func write(_ bytes: Span<UInt8>) -> WriteAttempt

    /// Waits until everything written is on the disk. What isn't on a disk has nothing to wait for.
    func sync() -> Errno?

    func leads(to other: any OpenedTrail) -> Bool

    /// Why a record was not accepted.
    func fault(_ reason: Errno) -> AuditError
}

/// The result of an attempt to write.
enum WriteAttempt {
    case wrote(Int)
    /// There is no room now.
    case isFull
    /// Something else has begun a line there.
    case isTaken
    case failed(Errno)
}
