// What records are written to at the moment.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// A place that is open for records. Closed when nobody has it any more. Used by the place's thread.
protocol OpenedTrail: AnyObject, Sendable {
    /// Its descriptor, to wait for room in it.
    var number: Int32 { get }
    /// Whether it is a file, which takes what it is given at once or has the writer wait; the others say when
    /// they have no room.
    var isRegular: Bool { get }
    /// Of whole records, so many bytes are written at once; one record always is.
    var mostAtOnce: Int { get }
    /// Nil where nobody else of this process writes there.
    var turn: LineTurn? { get }

    /// Appends a record in the form that it takes.
    func append(_ line: JSONLine, to bytes: inout [UInt8])

    /// Writes as much as is taken now.
    func write(_ bytes: Span<UInt8>) -> WriteAttempt

    /// Waits until all that was written is on the disk. What has no disk has nothing to wait for.
    func sync() -> Errno?

    func leads(to other: any OpenedTrail) -> Bool

    /// Why a record was not taken.
    func fault(_ reason: Errno) -> AuditError
}

/// What became of an attempt to write.
enum WriteAttempt {
    case wrote(Int)
    /// There is no room now.
    case isFull
    /// Somebody else has begun a line there.
    case isTaken
    case failed(Errno)
}
