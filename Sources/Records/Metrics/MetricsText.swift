// The metrics file: every family, in its order.
// SPDX-License-Identifier: Apache-2.0

/// What the metrics say beside what was counted: how the server is at a moment.
package struct ServerState: Sendable {
    /// False in the last version of the file.
    package var isUp: Bool
    package var version: String
    package var library: String
    /// When the server was started and when this was so, in seconds since 1970.
    package var started: Int
    package var now: Int
    package var sessions: Int
    package var sessionLimit: Int
    package var programs: Int
    package var expiries: [Expiry]

    /// When a certificate or a CRL ends.
    package struct Expiry: Sendable, Hashable {
        /// What it is for; `crl` is a list.
        package enum Role: String, Sendable {
            case server, chain
            case clientCA = "client-ca"
            case crl
        }

        package let role: Role
        /// Of the certificate, or of the list's issuer.
        package let subject: String
        /// In seconds since 1970.
        package let end: Int

        package init(_ role: Role, subject: String, end: Int) {
            self.role = role
            self.subject = subject
            self.end = end
        }
    }

    package init(
        isUp: Bool, version: String, library: String, started: Int, now: Int, sessions: Int,
        sessionLimit: Int, programs: Int, expiries: [Expiry]
    ) {
        self.isUp = isUp
        self.version = version
        self.library = library
        self.started = started
        self.now = now
        self.sessions = sessions
        self.sessionLimit = sessionLimit
        self.programs = programs
        self.expiries = expiries
    }
}

extension Metrics {
    /// How every metrics file begins.
    package static var beginning: String { "# HELP parley_" }

    /// The whole file.
    package func text(_ state: ServerState) -> [UInt8] {
        var text = Exposition()
        text.single(
            "parley_up", .gauge, "1 while parleyd runs, 0 when it has ended.", state.isUp ? 1 : 0)
        text.single(
            "parley_metrics_timestamp_seconds", .gauge, "When these metrics were written.",
            state.now)
        text.family("parley_build_info", .gauge, "The version that runs.")
        text.sample(
            "parley_build_info", ["openssl": state.library, "version": state.version], 1)
        text.single("parley_start_time_seconds", .gauge, "When parleyd was started.", state.started)
        addSessions(to: &text, state)
        addCommands(to: &text, state)
        addRefusals(to: &text)
        addReloads(to: &text)
        Self.add(state.expiries, to: &text)
        return text.bytes
    }

    private func addSessions(to text: inout Exposition, _ state: ServerState) {
        text.single("parley_sessions", .gauge, "Sessions that are open.", state.sessions)
        text.single(
            "parley_sessions_limit", .gauge, "Sessions that may be open at once.",
            state.sessionLimit)
        text.single(
            "parley_sessions_started_total", .counter, "Sessions that have begun.", sessionsStarted)
        text.family("parley_sessions_total", .counter, "Sessions that are over, by how they ended.")
        text.sample("parley_sessions_total", ["outcome": "ended"], sessionsEnded)
        text.sample("parley_sessions_total", ["outcome": "failed"], sessionsFailed)
        text.single(
            "parley_session_received_bytes_total", .counter,
            "Bytes that sessions which are over have received, encryption included.", bytesReceived)
        text.single(
            "parley_session_sent_bytes_total", .counter,
            "Bytes that sessions which are over have sent, encryption included.", bytesSent)
        text.family(
            "parley_handshake_failures_total", .counter,
            "Connections that never became a session, by the kind of failure.")
        for (word, count) in handshakeFailures.all {
            text.sample("parley_handshake_failures_total", ["reason": word], count)
        }
    }

    private func addCommands(to text: inout Exposition, _ state: ServerState) {
        let rows = rows
        text.single(
            "parley_programs_running", .gauge, "Programs whose end is not known yet.",
            state.programs)
        text.family(
            "parley_commands_total", .counter,
            "Commands that have ended, by name and outcome; without a name, those that the table no longer has."
        )
        for row in rows {
            for (word, count) in row.isProgram ? row.counts.occurred : [] {
                text.sample(
                    "parley_commands_total", ["command": row.name, "outcome": word], count)
            }
            if row.counts.replies > 0 {
                text.sample(
                    "parley_commands_total", ["command": row.name, "outcome": "reply"],
                    row.counts.replies)
            }
        }
        text.family(
            "parley_command_failures_total", .counter,
            "Commands that have ended in another way than by themselves with status 0.")
        for row in rows where row.isProgram {
            text.sample(
                "parley_command_failures_total", ["command": row.name], row.counts.failures)
        }
        let timed = rows.filter { $0.counts.durations.count > 0 }
        addDurations(of: timed, to: &text)
        text.family(
            "parley_command_bytes_total", .counter,
            "Bytes that programs have read and written, by stream.")
        for row in timed {
            for (stream, count) in [
                ("in", row.counts.bytesIn), ("out", row.counts.bytesOut),
                ("err", row.counts.bytesError),
            ] {
                text.sample(
                    "parley_command_bytes_total", ["command": row.name, "stream": stream], count)
            }
        }
    }

    private func addDurations(of rows: [Row], to text: inout Exposition) {
        let name = "parley_command_seconds"
        text.family(
            "parley_command_seconds", .histogram,
            "From the start of a program until its client was told of its end.")
        for row in rows {
            let durations = row.counts.durations
            for (limit, count) in durations.cumulative {
                // As other programs write them, whose numbers have no needless point.
                let whole = Int(limit)
                let bound = Double(whole) == limit ? "\(whole)" : "\(limit)"
                text.sample("\(name)_bucket", ["command": row.name, "le": bound], count)
            }
            text.sample(
                "\(name)_bucket", ["command": row.name, "le": "+Inf"], durations.count)
            text.sample("\(name)_sum", ["command": row.name], seconds: durations.sum)
            text.sample("\(name)_count", ["command": row.name], durations.count)
        }
    }

    private func addRefusals(to text: inout Exposition) {
        text.family(
            "parley_refusals_total", .counter,
            "Commands, messages and sessions that were refused, by code.")
        for (word, count) in refusals.all {
            text.sample("parley_refusals_total", ["code": word], count)
        }
        text.family(
            "parley_limits_reached_total", .counter,
            "How often a limit was reached, by the option or the key of the table that sets it.")
        for (word, count) in limits.all {
            text.sample("parley_limits_reached_total", ["limit": word], count)
        }
        text.single(
            "parley_audit_omitted_records_total", .counter,
            "Records that were left out of the audit trail because there were too many.", omitted)
    }

    private func addReloads(to text: inout Exposition) {
        let reloads = ReloadedFiles.allCases.compactMap { files in
            self.reloads[files].map { (files.label, $0) }
        }
        text.family("parley_reloads_total", .counter, "Readings after SIGHUP, by outcome.")
        for (files, counts) in reloads {
            text.sample(
                "parley_reloads_total", ["files": files, "outcome": "in-force"], counts.successes)
            text.sample(
                "parley_reloads_total", ["files": files, "outcome": "old-stays"], counts.failures)
        }
        text.family(
            "parley_reload_successful", .gauge,
            "1 if the last reading is in force, 0 if the files from before stay.")
        for (files, counts) in reloads {
            text.sample("parley_reload_successful", ["files": files], counts.isInForce ? 1 : 0)
        }
        text.family(
            "parley_reload_success_timestamp_seconds", .gauge,
            "When what is in force was read; at the start, if no reload has succeeded since.")
        for (files, counts) in reloads {
            text.sample(
                "parley_reload_success_timestamp_seconds", ["files": files], counts.succeeded)
        }
    }

    private static func add(_ expiries: [ServerState.Expiry], to text: inout Exposition) {
        // Two certificates of a name, such as a CA's old one and its new one, are one series: the first to end counts.
        var ends: [ServerState.Expiry] = []
        for expiry in expiries.sorted(by: { $0.end < $1.end })
        where !ends.contains(where: { $0.role == expiry.role && $0.subject == expiry.subject }) {
            ends.append(expiry)
        }
        text.family(
            "parley_certificate_expiry_timestamp_seconds", .gauge,
            "When a certificate that parleyd relies on expires.")
        for expiry in ends where expiry.role != .crl {
            text.sample(
                "parley_certificate_expiry_timestamp_seconds",
                ["role": expiry.role.rawValue, "subject": expiry.subject], expiry.end)
        }
        text.family(
            "parley_crl_next_update_timestamp_seconds", .gauge,
            "When a CRL expires, after which its CA's certificates are refused.")
        for expiry in ends where expiry.role == .crl {
            text.sample(
                "parley_crl_next_update_timestamp_seconds", ["issuer": expiry.subject], expiry.end)
        }
    }

    /// What there is about one command.
    private struct Row {
        let name: String
        let counts: CommandCounts
        let isProgram: Bool
    }

    /// By name; first those that the table no longer has, if there are any, under an empty one.
    private var rows: [Row] {
        let former = Row(name: "", counts: formerCommands, isProgram: true)
        let others = commands.sorted { $0.key < $1.key }.map {
            Row(name: $0.key, counts: $0.value, isProgram: isProgram($0.key))
        }
        return formerCommands.isEmpty ? others : [former] + others
    }
}

extension ReloadedFiles {
    /// One word, as labels are.
    var label: String {
        switch self {
        case .certificates: "certificates"
        case .commandTable: "command-table"
        }
    }
}
