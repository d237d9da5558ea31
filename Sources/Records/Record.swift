// What is recorded: every event, and each of its fields.
// SPDX-License-Identifier: Apache-2.0

/// One event, in plain values. The audit trail writes it as a line, whose fields `docs/audit.md` explains;
/// whatever else is made of events takes it from where `Recorder` makes that line.
package enum Record: Sendable {
    /// A handshake is over, or a plaintext session begins; with what is spoken in it.
    case sessionStart(conversation: String)
    /// A program is about to start.
    case commandStart(RecordedCommand)
    /// It is known how all that a program started has ended, or that it can't be ended.
    case commandEnd(RecordedCommand, CommandEnd)
    /// What was left running has ended.
    case commandGone(RecordedCommand, pid: Int32?, duration: Duration)
    /// A fixed reply was given, or several equal ones.
    case reply(RecordedReply)
    /// A command or a message was refused.
    case refusal(RecordedRefusal)
    /// A connection came to no session, or several that are told together.
    case handshakeFailure(code: String, reason: String, RecordedStrangers? = nil)
    /// A session is over. The bytes are those of its connection, encryption included.
    case sessionEnd(reason: String, bytesIn: UInt64, bytesOut: UInt64, duration: Duration)
    /// Files were read again; with why the old ones stay in force, where they do.
    case reload(ReloadedFiles, failure: String?)
    /// So many records of an identity were left out, and it is not known when it will have another one that could tell.
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

    /// What it is called, and every field that it can have beside those that all records have, in the
    /// order in which they are written.
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
                    Field("reasons", strangers?.reasons.map(Field.Value.texts)),
                    Field("seconds", strangers?.span),
                ]
            )
        case .sessionEnd(let reason, let bytesIn, let bytesOut, let duration):
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

    /// Whether it waits for the disk where that was asked for. What any client can cause in any number
    /// does not: otherwise one client could hold up all starts.
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

    /// Where it must not be lost, since it says how a program ended: the program's start.
    var end: RecordedCommand? {
        switch self {
        case .commandEnd(let command, _), .commandGone(let command, _, _): command
        default: nil
        }
    }
}

/// Equal fixed replies in a row that left together.
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

/// A command or a message that was refused. What isn't known of it is nil.
package struct RecordedRefusal: Sendable {
    package var command: Int?
    package var name: String?
    package var arguments: [RecordedArgument]?
    /// Where not all of them are recorded: how many there were.
    package var argumentCount: Int?
    package var code: String
    /// Which limit was reached, if that is why: a key of the table or an option.
    package var limit: String?
    package var reason: String?

    /// - Parameter arguments: all of them. Only the first are kept, and of those that are long the beginning.
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

/// Connections without a session that are told together. What is nil is left out.
package struct RecordedStrangers: Sendable {
    package var count: Int?
    package var addresses: Int?
    /// Each with the number of those that it was the reason of: `reset 3`.
    package var reasons: [String]?
    /// In what time they came.
    package var span: Duration?

    package init(count: Int?, addresses: Int?, reasons: [String], span: Duration?) {
        self.count = count
        self.addresses = addresses
        self.reasons = reasons.isEmpty ? nil : reasons
        self.span = span
    }
}

/// What is read again at once, in the words of `what`.
package enum ReloadedFiles: String, CaseIterable, Sendable {
    case certificates
    case commandTable = "the command table"
}
