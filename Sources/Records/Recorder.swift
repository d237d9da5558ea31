// The records of one session, or of the server itself.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import System

/// Writes a session's records into the audit file: each with the session's own fields, frequent ones
/// within their budget, and equal replies in a row as one. Confined to its loop.
package final class Recorder {
    private let file: AuditFile
    private let lost: (AuditError) -> Void
    private let now: () -> Int
    /// The session's fields, as each of its records has them.
    private var session = JSONLine()
    private var budget = Budget()
    /// Commands that the session has had.
    private var commands = 0
    /// Replies of the same name in a row, which are one record.
    private var repliedName: [UInt8] = []
    private var repliedCount = 0

    /// - Parameters:
    ///   - session: nil for the server's own records.
    ///   - now: seconds of any clock, for the budget.
    ///   - lost: called with the reason where a record can't be written and the one before it could.
    package init(
        _ file: AuditFile, _ session: RecordedSession?,
        now: @escaping () -> Int = { time(nil) }, lost: @escaping (AuditError) -> Void
    ) {
        self.file = file
        self.now = now
        self.lost = lost
        if let session { self.session.add(session.fields) }
    }

    /// Takes every record that there is, after the replies that were given before.
    ///
    /// - Returns: false where it can't be kept.
    @discardableResult
    package func record(_ record: Record) -> Bool {
        writeReplies()
        return write(record)
    }

    private func write(_ record: Record) -> Bool {
        guard !record.isFrequent || budget.admits(at: now()) else { return false }
        let (event, fields) = record.schema
        var line = JSONLine(event: event.rawValue)
        line.add(session)
        let omitted = budget.takeOmitted()
        line.add(Field("omitted_before", omitted > 0 ? omitted : nil))
        line.add(fields)
        guard let loss = file.write(line, isDurable: record.isDurable) else { return true }
        budget.giveBack(omitted)
        if loss.isFirst { lost(loss.reason) }
        return false
    }

    // MARK: Commands

    /// Records that a program is about to start, as the session's next command.
    ///
    /// - Returns: nil where that can't be kept: the program must not start then.
    package func start(
        _ name: String, _ arguments: [RecordedArgument], program: String
    ) -> RecordedCommand? {
        let command = RecordedCommand(
            number: commands + 1, name: name, arguments: arguments, program: program)
        guard record(.commandStart(command)) else { return nil }
        commands += 1
        return command
    }

    /// Records that the session's next command was refused.
    ///
    /// - Parameter name: anything that a client sent; it is cut here.
    package func refuse(
        _ name: String, _ arguments: [RecordedArgument], code: String, reason: String
    ) {
        // The replies before it have the numbers before its own.
        let command = commands + 1
        record(
            .refusal(
                RecordedRefusal(
                    command: command,
                    name: String(decoding: name.utf8.prefix(Self.longestName), as: UTF8.self),
                    arguments: arguments, code: code, reason: reason)))
        commands = command
    }

    /// Notes that the session's next command had a fixed reply. It is recorded when anything else follows,
    /// or by `writeReplies`.
    package func noteReply(_ name: Span<UInt8>) {
        if repliedCount > 0, !isRepeated(name) { writeReplies() }
        commands += 1
        if repliedCount == 0 {
            repliedName = Array(name)
        }
        repliedCount += 1
    }

    /// Records the replies that were noted and are not recorded yet.
    package func writeReplies() {
        guard repliedCount > 0 else { return }
        defer { repliedCount = 0 }
        _ = write(
            .reply(
                RecordedReply(
                    command: commands, name: String(decoding: repliedName, as: UTF8.self),
                    times: repliedCount)))
    }

    private func isRepeated(_ name: Span<UInt8>) -> Bool {
        guard name.count == repliedName.count else { return false }
        for index in name.indices where name[index] != repliedName[index] { return false }
        return true
    }

    /// A name may be as long as a request. Longer ones than the table's are cut, in bytes.
    private static let longestName = 255
}
