// What the records come to: numbers for whoever watches the server.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// Counts records. A value, so that another thread can write a copy of it as text.
package struct Metrics: Sendable {
    /// The words that labels have; all others are counted together.
    package struct Words: Sendable {
        /// Codes of refusals.
        let refusals: [String]
        /// Limits of the server and of the table, as records name them.
        let limits: [String]
        /// Codes of handshakes that failed.
        let failures: [String]

        package init(refusals: [String], limits: [String], failures: [String]) {
            self.refusals = refusals
            self.limits = limits
            self.failures = failures
        }
    }

    private(set) var sessionsStarted: UInt64 = 0
    private(set) var sessionsEnded: UInt64 = 0
    private(set) var sessionsFailed: UInt64 = 0
    private(set) var bytesReceived: UInt64 = 0
    private(set) var bytesSent: UInt64 = 0
    private(set) var refusals: LabelledCounts
    private(set) var limits: LabelledCounts
    private(set) var handshakeFailures: LabelledCounts
    /// For the table's commands.
    private(set) var commands: [String: CommandCounts] = [:]
    /// For those that the table doesn't have any more.
    private(set) var formerCommands = CommandCounts()
    private var programs: Set<String> = []
    private var replies: Set<String> = []
    /// Records that the trail lacks.
    private(set) var omitted: UInt64 = 0
    private(set) var reloads: [ReloadedFiles: Reloads] = [:]

    /// How reading some of the files went.
    struct Reloads: Sendable {
        /// When they were last read with success, in seconds since 1970.
        var succeeded: Int
        /// Whether the last reading was a success.
        var isInForce = true
        var successes: UInt64 = 0
        var failures: UInt64 = 0
    }

    package init(_ words: Words) {
        refusals = LabelledCounts(words.refusals)
        limits = LabelledCounts(words.limits)
        handshakeFailures = LabelledCounts(words.failures)
    }

    /// Files were read when the server started.
    ///
    /// - Parameter now: in seconds since 1970.
    package mutating func start(_ files: ReloadedFiles, at now: Int) {
        reloads[files] = Reloads(succeeded: now)
    }

    /// Another table is in force. What was counted for commands that it doesn't have is kept for all of them together, so
    /// that tables that come and go leave nothing behind and no sum goes down.
    package mutating func use(programs: [String], replies: [String]) {
        self.programs = Set(programs)
        self.replies = Set(replies)
        for (name, counts) in commands where !isKnown(name) {
            formerCommands.add(counts)
            commands[name] = nil
        }
        for name in programs where commands[name] == nil { commands[name] = CommandCounts() }
    }

    func isProgram(_ name: String) -> Bool { programs.contains(name) }

    private func isKnown(_ name: String) -> Bool {
        programs.contains(name) || replies.contains(name)
    }

    /// - Parameter now: in seconds since 1970.
    package mutating func note(_ record: Record, at now: Int) {
        switch record {
        case .sessionStart: sessionsStarted.add(1)
        case .sessionEnd(_, let bytesIn, let bytesOut, _, let hasFailed):
            if hasFailed { sessionsFailed.add(1) } else { sessionsEnded.add(1) }
            bytesReceived.add(Int(clamping: bytesIn))
            bytesSent.add(Int(clamping: bytesOut))
        case .commandEnd(let command, let end):
            // It has no end where it has no start.
            guard command.start?.fate != .failed else { return }
            count(command.name) { $0.add(end) }
            for limit in end.limits { limits.add(limit) }
        case .reply(let reply): count(reply.name) { $0.addReplies(reply.times ?? 1) }
        case .refusal(let refusal):
            refusals.add(refusal.code)
            if let limit = refusal.limit { limits.add(limit) }
        case .handshakeFailure(let code, _, let strangers):
            guard let reasons = strangers?.reasons else {
                return handshakeFailures.add(code, strangers?.count ?? 1)
            }
            for reason in reasons { handshakeFailures.add(reason.code, reason.count) }
        case .reload(let files, let failure):
            var counts = reloads[files] ?? Reloads(succeeded: 0)
            counts.isInForce = failure == nil
            if failure == nil {
                counts.successes.add(1)
                counts.succeeded = now
            } else {
                counts.failures.add(1)
            }
            reloads[files] = counts
        case .commandStart, .commandGone, .omission: break
        }
    }

    /// Records were left out of the trail.
    mutating func noteOmitted(_ count: Int) { omitted.add(count) }

    private mutating func count(_ name: String, _ add: (inout CommandCounts) -> Void) {
        // The names of fixed replies are the network process's word.
        if isKnown(name) {
            add(&commands[name, default: CommandCounts()])
        } else {
            add(&formerCommands)
        }
    }
}

/// Where all records of a server are counted. Confined to the main loop.
package final class MetricsBook {
    package private(set) var metrics: Metrics

    package init(_ metrics: Metrics) { self.metrics = metrics }

    /// Another table is in force.
    package func use(programs: [String], replies: [String]) {
        metrics.use(programs: programs, replies: replies)
    }

    func note(_ record: Record) { metrics.note(record, at: secondsSince1970()) }
    func noteOmitted(_ count: Int) { metrics.noteOmitted(count) }
}
