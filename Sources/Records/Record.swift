// What is recorded: every event and each of its fields.
// SPDX-License-Identifier: Apache-2.0

/// One event, in plain values. The audit trail writes it as a line, whose fields `docs/audit.md` explains;
/// any other use of events starts where `Recorder` makes that line.
package enum Record: Sendable {
    /// A handshake is finished, or a plaintext session begins; with its protocol.
    case sessionStart(conversation: String)
    /// A program is about to start.
    case commandStart(RecordedCommand)
    /// It is known how everything that a program started has ended, or that it can't be ended.
    case commandEnd(RecordedCommand, CommandEnd)
    /// What was left running has ended.
    case commandGone(RecordedCommand, pid: Int32?, duration: Duration)
    /// A fixed reply was given, or several identical ones.
    case reply(RecordedReply)
    /// A command or a message was refused.
    case refusal(RecordedRefusal)
    /// A connection never became a session, or several that are reported together.
    case handshakeFailure(code: String, reason: String, RecordedStrangers? = nil)
    /// A session is over. The bytes are those on its connection, including encryption.
    case sessionEnd(
        reason: String, bytesIn: UInt64, bytesOut: UInt64, duration: Duration,
        hasFailed: Bool = false)
    /// Files were reloaded; with the reason if the old ones stay in force.
    case reload(ReloadedFiles, failure: String?)
    /// The number of an identity's records that were left out when it is not known whether another one can report that.
    case omission(identity: String?, records: Int)

    /// The words of `event`.
    package enum Event: String, CaseIterable, Sendable {
        case sessionStart = "session-start"
        case commandStart = "command-start"
        case commandEnd = "command-end"
        case commandGone = "command-gone"
        case reply
        case refusal
        case handshakeFailure = "handshake-failure"
        case sessionEnd = "session-end"
        case reload
        case omission
    }

    /// Its name, and every field that it can have beyond those that all records have, in the order in
    /// which they are written.
    package var schema: (event: Event, fields: [Field]) {
        switch self {
        case .sessionStart(let conversation):
            (.sessionStart, [Field("protocol", conversation)])
        case .commandStart(let command):
            (.commandStart, command.fields)
        case .commandEnd(let command, let end):
            (
                .commandEnd,
                command.fieldsAfterwards + [Field("pid", end.pid)] + end.outcome.fields() + [
                    Field("limits_reached", end.limits.isEmpty ? nil : .texts(end.limits)),
                    Field("left_ended", end.leftEnded > 0 ? end.leftEnded : nil),
                    Field("bytes_in", end.usage?.bytesIn),
                    Field("bytes_out", end.usage?.bytesOut),
                    Field("bytes_err", end.usage?.bytesError),
                    Field("seconds", end.usage?.duration),
                ]
            )
        case .commandGone(let command, let pid, let duration):
            (
                .commandGone,
                command.fieldsAfterwards + [Field("pid", pid), Field("seconds", duration)]
            )
        case .reply(let reply):
            (
                .reply,
                [
                    Field("command", reply.command), Field("name", reply.name),
                    Field("times", reply.times),
                ]
            )
        case .refusal(let refusal):
            (
                .refusal,
                [
                    Field("command", refusal.command), Field("name", refusal.name),
                    Field("arguments", refusal.arguments),
                    Field("argument_count", refusal.argumentCount), Field("code", refusal.code),
                    Field("limit", refusal.limit), Field("reason", refusal.reason),
                ]
            )
        case .handshakeFailure(let code, let reason, let strangers):
            (
                .handshakeFailure,
                [
                    Field("code", code), Field("reason", reason),
                    Field("count", strangers?.count),
                    Field("addresses", strangers?.addresses),
                    Field("reasons", strangers?.reasons.map { .texts($0.map(\.text)) }),
                    Field("seconds", strangers?.span),
                ]
            )
        case .sessionEnd(let reason, let bytesIn, let bytesOut, let duration, _):
            (
                .sessionEnd,
                [
                    Field("reason", reason), Field("bytes_in", bytesIn),
                    Field("bytes_out", bytesOut), Field("seconds", duration),
                ]
            )
        case .reload(let files, let failure):
            (
                .reload,
                [
                    Field("what", files.rawValue),
                    Field("outcome", failure == nil ? "in-force" : "old-stays"),
                    Field("reason", failure),
                ]
            )
        case .omission(let identity, let records):
            (.omission, [Field("identity", identity), Field("records", records)])
        }
    }

    /// Whether it waits for the disk, if that was requested. Records that any client can cause in any
    /// number don't: otherwise one client could hold up all starts.
    package var isDurable: Bool {
        switch self {
        case .commandStart, .commandEnd, .commandGone, .reload: true
        case .sessionStart, .sessionEnd, .reply, .refusal, .handshakeFailure, .omission: false
        }
    }

    /// Whether clients can cause any number of them, so that they have a budget and their texts a limit.
    package var isFrequent: Bool {
        switch self {
        case .sessionStart, .sessionEnd, .reply, .refusal, .handshakeFailure: true
        case .commandStart, .commandEnd, .commandGone, .reload, .omission: false
        }
    }

    /// If it must not be lost because it says how a program ended: the program's start.
    var end: RecordedCommand? {
        switch self {
        case .commandEnd(let command, _), .commandGone(let command, _, _): command
        default: nil
        }
    }
}

/// Identical consecutive fixed replies that were sent together.
package struct RecordedReply: Sendable {
    /// The number of the last of them; nil in a session of messages.
    package var command: Int?
    package var name: String
    /// Nil in a session of messages, where each has its own.
    package var times: Int?

    package init(command: Int? = nil, name: String, times: Int? = nil) {
        self.command = command
        self.name = name
        self.times = times
    }
}

/// A command or a message that was refused. What isn't known about it is nil.
package struct RecordedRefusal: Sendable {
    package var command: Int?
    package var name: String?
    package var arguments: [RecordedArgument]?
    /// If not all of them are recorded: how many there were.
    package var argumentCount: Int?
    package var code: String
    /// Which limit was reached, if that is why: a key of the table or an option.
    package var limit: String?
    package var reason: String?

    /// - Parameter arguments: all of them. Only the first are kept, and long ones are cut.
    package init(
        command: Int? = nil, name: String? = nil, arguments: [RecordedArgument]? = nil,
        code: String, limit: String? = nil, reason: String? = nil
    ) {
        self.command = command
        self.name = name
        self.arguments = arguments?.bounded
        if let arguments, self.arguments?.count != arguments.count {
            argumentCount = arguments.count
        }
        self.code = code
        self.limit = limit
        self.reason = reason
    }
}

/// Connections without a session that are reported together. Fields that are nil are omitted.
package struct RecordedStrangers: Sendable {
    package var count: Int?
    package var addresses: Int?
    package var reasons: [Reason]?
    /// The period in which they came.
    package var span: Duration?

    /// How many failed in one way.
    package struct Reason: Sendable {
        package let code: String
        package let count: Int

        package init(_ code: String, _ count: Int) {
            self.code = code
            self.count = count
        }

        var text: String { "\(code) \(count)" }
    }

    package init(count: Int?, addresses: Int?, reasons: [Reason], span: Duration?) {
        self.count = count
        self.addresses = addresses
        self.reasons = reasons.isEmpty ? nil : reasons
        self.span = span
    }
}

/// What is reloaded together, in the words of `what`.
package enum ReloadedFiles: String, CaseIterable, Sendable {
    case certificates
    case commandTable = "the command table"
}
