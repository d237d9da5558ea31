// What records say of a program, in plain values.
// SPDX-License-Identifier: Apache-2.0

/// A program that was started, as each of its records says.
package struct RecordedCommand: Sendable {
    /// In its session, from 1.
    package let number: Int
    /// The table's.
    package let name: String
    package let arguments: [RecordedArgument]
    /// Its path.
    package let program: String
    /// What becomes of its first record.
    package let start: StartRecord?

    package init(
        number: Int, name: String, arguments: [RecordedArgument], program: String,
        start: StartRecord? = nil
    ) {
        self.number = number
        self.name = name
        self.arguments = arguments
        self.program = program
        self.start = start
    }

    var fields: [Field] {
        [
            Field("command", number), Field("name", name), Field("arguments", arguments),
            Field("program", program),
        ]
    }

    /// Those of the records that follow its first one, which has all of its arguments. `command` and the session's number say
    /// which one that is.
    var fieldsAfterwards: [Field] {
        let kept = arguments.bounded
        return [
            Field("command", number), Field("name", name), Field("arguments", kept),
            Field("argument_count", kept.count < arguments.count ? arguments.count : nil),
            Field("program", program),
        ]
    }
}

/// How a program ended.
package struct CommandEnd: Sendable {
    /// Nil where it could not be started, and where the server ended at once.
    package var pid: Int32?
    package var outcome: CommandOutcome
    /// Processes that it had left behind when it ended by itself, and that were ended after it.
    package var leftEnded = 0
    /// The names of limits that it has reached, in the table's words.
    package var limits: [String] = []
    /// Nil where the server ended at once.
    package var usage: Usage?

    /// What it moved, in bytes, and how long it took.
    package struct Usage: Sendable {
        /// These three are nil where whoever moved them did not say.
        package var bytesIn: Int?
        /// What it wrote within its limit, whoever took it.
        package var bytesOut: Int?
        package var bytesError: Int?
        package var duration: Duration

        package init(bytesIn: Int?, bytesOut: Int?, bytesError: Int?, duration: Duration) {
            self.bytesIn = bytesIn
            self.bytesOut = bytesOut
            self.bytesError = bytesError
            self.duration = duration
        }
    }

    package init(
        _ outcome: CommandOutcome, pid: Int32? = nil, leftEnded: Int = 0, limits: [String] = [],
        usage: Usage? = nil
    ) {
        self.outcome = outcome
        self.pid = pid
        self.leftEnded = leftEnded
        self.limits = limits
        self.usage = usage
    }
}
