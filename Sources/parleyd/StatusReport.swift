// What `parleyd status` prints.
// SPDX-License-Identifier: Apache-2.0
internal import Records
internal import TLS

/// A metrics file in a few aligned lines.
struct StatusReport {
    private let reading: MetricsReading
    /// In seconds since 1970.
    private let now: Int

    init(_ reading: MetricsReading, at now: Int) {
        self.reading = reading
        self.now = now
    }

    /// Why the lines are not how the server is now; nil if they are.
    var fault: String? {
        let age = now - moment("parley_metrics_timestamp_seconds")
        guard reading.sum("parley_up") == 1 else { return "the server ended \(Self.span(age)) ago" }
        if age < -Self.patience {
            return
                "this is dated \(Self.span(-age)) from now, so whether the server runs cannot be told; the clock was set back, or the file is another machine's"
        }
        guard age > Self.patience else { return nil }
        return
            "the server has not written this for \(Self.span(age)); it hangs or was killed, or the file cannot be written (see its log)"
    }

    var lines: [String] {
        var rows = [("server", server), ("sessions", sessions), ("programs", programs)]
        rows.append(("commands", commands))
        rows.append(("refusals", counts("parley_refusals_total", by: "code")))
        rows.append(("limits reached", counts("parley_limits_reached_total", by: "limit")))
        rows.append(
            ("handshakes failed", counts("parley_handshake_failures_total", by: "reason")))
        rows += reloads + expiries
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { name, text in
            name + String(repeating: " ", count: width + 2 - name.count) + text
        }
    }

    private var server: String {
        let version = reading["parley_build_info"].first?.labels["version"] ?? "?"
        let started = moment("parley_start_time_seconds")
        let written = moment("parley_metrics_timestamp_seconds")
        return
            "parleyd \(version), started on \(CertificateTime.words(started)), as of \(Self.span(now - written)) ago"
    }

    private var sessions: String {
        let failed = reading["parley_sessions_total"].filter { $0.labels["outcome"] == "failed" }
        let (open, limit) = (number("parley_sessions"), number("parley_sessions_limit"))
        let failures = failed.reduce(0) { $0 + $1.value }
        return
            "\(open) open of at most \(limit); \(number("parley_sessions_started_total")) begun, \(Self.words(failures)) failed"
    }

    private var programs: String { "\(number("parley_programs_running")) running" }

    private var commands: String {
        "\(number("parley_commands_total")) ended, \(number("parley_command_failures_total")) of them failed"
    }

    private func counts(_ family: String, by label: String) -> String {
        let counts = reading[family].filter { $0.value > 0 }
        guard !counts.isEmpty else { return "none" }
        return counts.sorted { $0.value > $1.value }
            .map { "\(Self.words($0.value)) \($0.labels[label] ?? "")" }.joined(separator: ", ")
    }

    private var reloads: [(String, String)] {
        reading["parley_reload_success_timestamp_seconds"].map { sample in
            let files = sample.labels["files"] ?? ""
            let isInForce = reading["parley_reload_successful"].contains {
                $0.labels["files"] == files && $0.value == 1
            }
            let read = "read on \(CertificateTime.words(Int(clamping: sample.value)))"
            return (
                files.split(separator: "-").joined(separator: " "),
                isInForce ? read : "\(read); THE LAST RELOAD FAILED, see the log"
            )
        }
    }

    private var expiries: [(String, String)] {
        let certificates = reading["parley_certificate_expiry_timestamp_seconds"].map {
            (sample: $0, what: Self.name($0.labels["role"] ?? ""), whose: $0.labels["subject"])
        }
        let lists = reading["parley_crl_next_update_timestamp_seconds"].map {
            (sample: $0, what: "CRL", whose: $0.labels["issuer"])
        }
        return (certificates + lists).map { sample, what, whose in
            let end = Int(clamping: sample.value)
            let left = end - now
            let when =
                left < 0
                ? "EXPIRED on \(CertificateTime.words(end))"
                : "expires on \(CertificateTime.words(end)), in \(Self.span(left))"
            return (what, "\(when): \(whose ?? "")")
        }
    }

    private static func name(_ role: String) -> String {
        switch role {
        case "server": "certificate"
        case "chain": "its chain"
        case "client-ca": "CA of clients"
        default: role
        }
    }

    private func moment(_ family: String) -> Int { Int(clamping: reading.sum(family)) }
    private func number(_ family: String) -> String { Self.words(reading.sum(family)) }

    private static func words(_ number: Double) -> String { "\(Int(clamping: number))" }

    /// In the largest unit that there are at least two of.
    private static func span(_ seconds: Int) -> String {
        for (unit, length) in [("days", 86_400), ("hours", 3_600), ("minutes", 60)]
        where seconds >= 2 * length {
            return "\(seconds / length) \(unit)"
        }
        return "\(max(0, seconds)) s"
    }

    /// In seconds: several versions have not been written.
    private static let patience = 60
}

extension Int {
    /// The nearest one; zero for what isn't a number.
    fileprivate init(clamping number: Double) {
        self = number.isNaN ? 0 : Int(Swift.max(-9e15, Swift.min(number, 9e15)))
    }
}
