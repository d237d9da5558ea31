// The records of one session, or of the server itself.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// Counts a session's records, and writes them to the audit file: each with the session's own fields, frequent ones within
/// a budget. Confined to its loop.
package final class Recorder {
    /// Nil if they are only counted.
    private let file: AuditFile?
    /// Nil if they are only written.
    private let book: MetricsBook?
    /// Nil for the server's own records.
    private let budget: Budget?
    /// The session's fields, which each of its records has.
    private var session = JSONLine()
    /// Commands that the session has had.
    private var commands = 0

    /// - Parameters:
    ///   - session: nil for the server's own records.
    ///   - budget: that of the session's identity; nil for the server's own records, which clients don't
    ///     cause.
    ///   - book: where they are counted, including those that the trail leaves out.
    package init(
        _ file: AuditFile?, _ session: RecordedSession?, budget: Budget? = nil,
        book: MetricsBook? = nil
    ) {
        self.file = file
        self.book = book
        self.budget = budget
        if let session, file != nil { self.session.add(session.fields) }
        budget?.hold()
    }

    deinit { budget?.release() }

    /// Accepts every kind of record except starts.
    package func record(_ record: Record) {
        if record.isFrequent {
            add(record, .frequent)
        } else if let command = record.end {
            add(record, .end(command.start))
        } else {
            add(record, .own)
        }
    }

    /// - Returns: false if it is left out.
    @discardableResult
    private func add(_ record: Record, _ kind: AuditEntry.Kind) -> Bool {
        book?.note(record)
        guard let file else { return true }
        guard !record.isFrequent || budget?.admits() != false else {
            budget?.omit(1)
            book?.noteOmitted(1)
            return false
        }
        let (event, fields) = record.schema
        var line = JSONLine(event: event.rawValue)
        line.add(session)
        var omitted = budget?.takeOmitted() ?? 0
        line.add(Field("omitted_before", omitted > 0 ? omitted : nil))
        if case .omission(_, let records) = record { omitted += records }
        line.add(fields, longest: record.isFrequent ? Self.longestText : .max)
        if record.isFrequent { budget?.spend(line.count) }
        let entry = AuditEntry(line, kind, isDurable: record.isDurable, omitted: omitted)
        guard file.add(entry) else {
            budget?.omit(omitted + (record.isFrequent ? 1 : 0))
            if record.isFrequent { book?.noteOmitted(1) }
            return false
        }
        return true
    }

    // MARK: Commands

    /// Records that a program is about to start, as the session's next command.
    ///
    /// - Parameter settled: called on the trail's thread once it is known that the program may not start, or that it may and
    ///   somebody is waiting for that (`StartRecord.wait`); not if the trail ends before that.
    /// - Returns: nil if that can't be kept: the program must not start then.
    package func start(
        _ name: String, _ arguments: [RecordedArgument], program: String,
        settled: @escaping @Sendable (StartFate) -> Void
    ) -> RecordedCommand? {
        guard let file else {
            commands += 1
            return RecordedCommand(
                number: commands, name: name, arguments: arguments, program: program)
        }
        let start = StartRecord(places: file.placeCount)
        let command = RecordedCommand(
            number: commands + 1, name: name, arguments: arguments, program: program, start: start)
        guard add(.commandStart(command), .start(start, settled: settled)) else { return nil }
        commands += 1
        return command
    }

    /// Records that a program was not started because the record of its start has failed.
    package func refuse(_ command: RecordedCommand, code: String, reason: String) {
        record(
            .refusal(
                RecordedRefusal(
                    command: command.number, name: command.name, arguments: command.arguments,
                    code: code, reason: reason)))
    }

    /// Records that the session's next command was refused.
    ///
    /// - Parameter name: anything that a client sent; it is cut here.
    package func refuse(
        _ name: String, _ arguments: [RecordedArgument], code: String, limit: String? = nil,
        reason: String
    ) {
        commands += 1
        record(
            .refusal(
                RecordedRefusal(
                    command: commands, name: name.cut(to: Self.longestName) ?? name,
                    arguments: arguments, code: code, limit: limit, reason: reason)))
    }

    /// Notes records that were not made because there were too many, and the number of the session's next commands
    /// that they would have been about.
    package func omit(_ records: Int, commands: Int) {
        budget?.omit(records)
        if file != nil { book?.noteOmitted(records) }
        self.commands &+= commands
    }

    /// Records that this many of the session's next commands had the same fixed reply.
    package func reply(_ name: [UInt8], times: Int) {
        commands &+= times
        record(
            .reply(
                RecordedReply(
                    command: commands, name: String(decoding: name, as: UTF8.self), times: times)))
    }

    /// A name may be as long as a request. Names longer than the table's are cut to this, in bytes.
    private static let longestName = 255
    /// Other values that a client or the network process can make long, in bytes.
    private static let longestText = 1_024
}
