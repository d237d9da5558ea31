// The records of one session, or of the server itself.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import System

/// Writes a session's records into the audit file: each with the session's own fields, frequent ones
/// within their budget. Confined to its loop.
package final class Recorder {
    private let file: AuditFile
    private let lost: (AuditError) -> Void
    private let now: () -> Int
    /// The session's fields, as each of its records has them.
    private var session = JSONLine()
    private var budget = Budget()
    /// Commands that the session has had.
    private var commands = 0

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

    /// Takes every record that there is.
    ///
    /// - Returns: false where it can't be kept.
    @discardableResult
    package func record(_ record: Record) -> Bool {
        guard !record.isFrequent || budget.admits(at: now()) else { return false }
        let (event, fields) = record.schema
        var line = JSONLine(event: event.rawValue)
        line.add(session)
        let omitted = budget.takeOmitted(isFrequent: record.isFrequent)
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
        let command = commands + 1
        record(
            .refusal(
                RecordedRefusal(
                    command: command,
                    name: String(decoding: name.utf8.prefix(Self.longestName), as: UTF8.self),
                    arguments: arguments, code: code, reason: reason)))
        commands = command
    }

    /// Takes note of records that nobody has made, since there were too many, and of so many of the session's next
    /// commands which they would have been about.
    package func omit(_ records: Int, commands: Int) {
        budget.omit(records)
        self.commands += commands
    }

    /// Records that so many of the session's next commands had the same fixed reply.
    package func reply(_ name: [UInt8], times: Int) {
        commands += times
        record(
            .reply(
                RecordedReply(
                    command: commands, name: String(decoding: name, as: UTF8.self), times: times)))
    }

    /// A name may be as long as a request. Longer ones than the table's are cut, in bytes.
    private static let longestName = 255
}
