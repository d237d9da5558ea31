// What records say about a program, in plain values.
// SPDX-License-Identifier: Apache-2.0

/// A program that was started, as each of its records describes it.
package struct RecordedCommand: Sendable {
    /// Its number in its session, counted from 1.
    package let number: Int
    /// The name in the table.
    package let name: String
    package let arguments: [RecordedArgument]
    /// Its path.
    package let program: String
    /// What has become of its first record.
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

    /// The arguments in the records after its first one, which has all of them. `command` and the session's number identify
    /// that one.
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
    /// Nil if it could not be started, and if the server was stopped at once.
    package var pid: Int32?
    package var outcome: CommandOutcome
    /// Processes that it had left behind when it ended by itself, and that were ended after it.
    package var leftEnded = 0
    /// The names of limits that it has reached, in the table's words.
    package var limits: [String] = []
    /// Nil if the server was stopped at once.
    package var usage: Usage?

    /// What it transferred, in bytes, and how long it took.
    package struct Usage: Sendable {
        /// These three are nil if they were not reported.
        package var bytesIn: Int?
        /// What it wrote within its limit, whether or not anybody took it.
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
