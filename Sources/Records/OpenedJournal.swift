// The journal as a place for records.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import System

/// Sends each record as an entry of its own. The next record finds one that was restarted.
final class OpenedJournal: OpenedTrail {
    private let socket: JournalSocket

    /// - Throws: `AuditError` if nobody accepts entries there.
    init(_ path: String) throws(AuditError) {
        do throws(Errno) {
            socket = try JournalSocket(path)
        } catch {
            throw AuditError(journal: path, error)
        }
    }

    var number: Int32 { socket.number }
    var isRegular: Bool { false }
    /// One record at a time.
    var maxAtOnce: Int { 0 }
    var turn: LineTurn? { nil }

    func append(_ line: JSONLine, to bytes: inout [UInt8]) { bytes += JournalEntry(line).bytes }

    func write(_ bytes: Span<UInt8>) -> WriteAttempt {
        do throws(Errno) {
            try socket.send(bytes)
            return .wrote(bytes.count)
        } catch {
            return error.number == EAGAIN ? .isFull : .failed(error)
        }
    }

    func sync() -> Errno? { nil }

    func leads(to other: any OpenedTrail) -> Bool { other === self }

    func fault(_ reason: Errno) -> AuditError { AuditError(journal: reason) }
}
