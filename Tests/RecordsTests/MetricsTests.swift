// What the records come to, and the text of it.
// SPDX-License-Identifier: Apache-2.0
import System
import Testing

@testable import Records

@Suite
struct MetricsTests {
    private static let words = Metrics.Words(
        refusals: ["busy", "notAllowed"], limits: ["concurrency", "memory"],
        failures: ["reset", "unknownCA"])
    private static let state = ServerState(
        isUp: true, version: "1.2", library: "OpenSSL 3", started: 100, now: 200, sessions: 3,
        sessionLimit: 9, programs: 1, expiries: [])

    /// With a table of two programs and a reply.
    private func metrics() -> Metrics {
        var metrics = Metrics(Self.words)
        metrics.use(programs: ["ls", "login"], replies: ["Hello"])
        return metrics
    }

    private func text(_ metrics: Metrics, _ state: ServerState = Self.state) -> [String] {
        String(decoding: metrics.text(state), as: UTF8.self)
            .split(separator: "\n").map(String.init)
    }

    private func end(
        _ name: String, _ outcome: CommandOutcome, seconds: Double? = nil
    ) -> Record {
        let usage = seconds.map {
            CommandEnd.Usage(
                bytesIn: 1, bytesOut: 2, bytesError: 3, duration: Duration(seconds: $0))
        }
        let command = RecordedCommand(number: 1, name: name, arguments: [], program: "/bin/x")
        return .commandEnd(command, CommandEnd(outcome, usage: usage))
    }

    @Test func outcomes_areCountedByCommand_andFailuresAreAllButSuccess() {
        var metrics = metrics()
        metrics.note(end("ls", .ended(.status(0))), at: 0)
        metrics.note(end("ls", .ended(.status(1))), at: 0)
        metrics.note(end("ls", .timedOut), at: 0)
        let lines = text(metrics)
        #expect(lines.contains(#"parley_commands_total{command="ls",outcome="exit"} 2"#))
        #expect(lines.contains(#"parley_commands_total{command="ls",outcome="time-out"} 1"#))
        #expect(lines.contains(#"parley_command_failures_total{command="ls"} 2"#))
        // From the start, so that the first one is an increase.
        #expect(lines.contains(#"parley_commands_total{command="login",outcome="exit"} 0"#))
        #expect(lines.contains(#"parley_command_failures_total{command="login"} 0"#))
    }

    @Test func aProgramWhoseStartFailed_hasNoEnd() throws {
        let start = StartRecord()
        _ = start.settle(.failed, in: 0)
        let command = RecordedCommand(
            number: 1, name: "ls", arguments: [], program: "/bin/ls", start: start)
        var metrics = metrics()
        metrics.note(.commandEnd(command, CommandEnd(.serverEnded)), at: 0)
        #expect(!text(metrics).contains { $0.contains("server-ended") })
    }

    @Test func aDuration_isInEveryBucketThatItFits() {
        var histogram = Histogram()
        // On a limit, within one, beyond all, and none.
        for seconds in [0.01, 0.2, 2_000, 0] { histogram.add(seconds) }
        let counts = Dictionary(uniqueKeysWithValues: histogram.cumulative.map { ($0, $1) })
        #expect(counts[0.01] == 2)
        #expect(counts[0.1] == 2)
        #expect(counts[0.25] == 3)
        #expect(counts[1_800] == 3)
        #expect(histogram.count == 4)
        #expect(histogram.sum == 2_000.21)
        #expect(Histogram.limits == Histogram.limits.sorted())
    }

    @Test func histogram_isWrittenAsItsFormatHasIt() {
        var metrics = metrics()
        metrics.note(end("ls", .ended(.status(0)), seconds: 2), at: 0)
        let lines = text(metrics)
        let found = lines.filter { $0.hasPrefix("parley_command_seconds") }
        #expect(found.count == Histogram.limits.count + 3)
        #expect(found[5] == #"parley_command_seconds_bucket{command="ls",le="1"} 0"#)
        #expect(found[6] == #"parley_command_seconds_bucket{command="ls",le="2.5"} 1"#)
        #expect(
            found.suffix(3) == [
                #"parley_command_seconds_bucket{command="ls",le="+Inf"} 1"#,
                #"parley_command_seconds_sum{command="ls"} 2.0"#,
                #"parley_command_seconds_count{command="ls"} 1"#,
            ])
        #expect(
            lines.contains(#"parley_command_bytes_total{command="ls",stream="err"} 3"#))
    }

    @Test(arguments: [
        ("plain", "plain"), (#"a"b"#, #"a\"b"#), (#"a\b"#, #"a\\b"#), ("a\nb", #"a\nb"#),
        ("\r\né\u{2028}", "\r\\né\u{2028}"),
    ])
    func aLabelsValue_isEscaped_andReadAgain(value: String, written: String) throws {
        #expect(Exposition.escaped(value) == written)
        var metrics = Metrics(Self.words)
        metrics.use(programs: [value], replies: [])
        let reading = try #require(MetricsReading(metrics.text(Self.state)))
        #expect(reading["parley_command_failures_total"].map(\.labels) == [["command": value]])
    }

    /// What the network process says can't make series.
    @Test func words_thatAreNotKnown_areCountedTogether() {
        var metrics = metrics()
        let before = text(metrics).count
        for number in 0..<1_000 {
            metrics.note(.refusal(RecordedRefusal(code: "c\(number)", limit: "l\(number)")), at: 0)
            metrics.note(.handshakeFailure(code: "h\(number)", reason: ""), at: 0)
            metrics.note(.reply(RecordedReply(name: "r\(number)", times: 2)), at: 0)
        }
        let lines = text(metrics)
        #expect(lines.contains(#"parley_refusals_total{code="other"} 1000"#))
        #expect(lines.contains(#"parley_limits_reached_total{limit="other"} 1000"#))
        #expect(lines.contains(#"parley_handshake_failures_total{reason="other"} 1000"#))
        #expect(lines.contains(#"parley_commands_total{command="",outcome="reply"} 2000"#))
        // Those without a name, of which there were none before.
        #expect(lines.count == before + 3)
    }

    @Test func strangersThatAreReportedTogether_areCountedByReason() {
        var metrics = metrics()
        metrics.note(.handshakeFailure(code: "reset", reason: ""), at: 0)
        metrics.note(
            .handshakeFailure(
                code: "reset", reason: "",
                RecordedStrangers(
                    count: 9, addresses: 2,
                    reasons: [.init("reset", 4), .init("unknownCA", 3), .init("others", 2)],
                    span: .seconds(60))), at: 0)
        #expect(metrics.handshakeFailures["reset"] == 5)
        #expect(metrics.handshakeFailures["unknownCA"] == 3)
        #expect(metrics.handshakeFailures[LabelledCounts.other] == 2)
    }

    @Test func aCommandThatATableNoLongerHas_leavesItsCountsButNoSeries() {
        var metrics = metrics()
        for number in 0..<100 {
            metrics.use(programs: ["c\(number)"], replies: [])
            metrics.note(end("c\(number)", .ended(.status(0)), seconds: 1), at: 0)
        }
        // It was started under the table before.
        metrics.note(end("c98", .ended(.status(0)), seconds: 1), at: 0)
        let found = text(metrics).filter { $0.hasPrefix("parley_commands_total") }
        #expect(
            found == [
                #"parley_commands_total{command="",outcome="exit"} 100"#,
                #"parley_commands_total{command="c99",outcome="exit"} 1"#,
            ])
    }

    @Test func aReload_saysWhetherAndWhenItSucceeded() {
        var metrics = metrics()
        metrics.start(.certificates, at: 5)
        metrics.note(.reload(.certificates, failure: "it is empty"), at: 10)
        var lines = text(metrics)
        #expect(lines.contains(#"parley_reload_successful{files="certificates"} 0"#))
        #expect(
            lines.contains(#"parley_reload_success_timestamp_seconds{files="certificates"} 5"#))
        #expect(!lines.contains { $0.contains(#"files="command-table""#) })
        metrics.note(.reload(.certificates, failure: nil), at: 20)
        lines = text(metrics)
        #expect(lines.contains(#"parley_reload_successful{files="certificates"} 1"#))
        #expect(
            lines.contains(#"parley_reload_success_timestamp_seconds{files="certificates"} 20"#))
    }

    @Test func ofTwoCertificatesOfAName_theFirstToEndCounts() {
        var state = Self.state
        state.expiries = [
            .init(.clientCA, subject: "CN = a", end: 300),
            .init(.clientCA, subject: "CN = a", end: 200),
            .init(.server, subject: "CN = a", end: 400), .init(.crl, subject: "CN = a", end: 100),
        ]
        let found = text(metrics(), state).filter { $0.contains("CN = a") }
        #expect(
            found == [
                #"parley_certificate_expiry_timestamp_seconds{role="client-ca",subject="CN = a"} 200"#,
                #"parley_certificate_expiry_timestamp_seconds{role="server",subject="CN = a"} 400"#,
                #"parley_crl_next_update_timestamp_seconds{issuer="CN = a"} 100"#,
            ])
    }

    @Test func aRecorder_countsWhatItsTrailLeavesOut() throws {
        let trail = try Trail()
        let book = MetricsBook(metrics())
        let recorder = Recorder(
            trail.file, Samples.session, budget: trail.budget(1_000), book: book)
        for _ in 0..<1_000 { recorder.record(.refusal(RecordedRefusal(code: "busy"))) }
        #expect(book.metrics.refusals["busy"] == 1_000)
        let written = try lines(trail.read()).count
        #expect(written > 0)
        #expect(book.metrics.omitted == UInt64(1_000 - written))
    }

    @Test func aRecorderWithoutATrail_countsOnly() {
        let book = MetricsBook(metrics())
        let recorder = Recorder(nil, Samples.session, book: book)
        let start = recorder.start("ls", [], program: "/bin/ls", settled: { _ in })
        #expect(start?.number == 1)
        #expect(start?.start == nil)
        recorder.refuse("nope", [], code: "busy", reason: "later")
        #expect(book.metrics.refusals["busy"] == 1)
        #expect(book.metrics.omitted == 0)
    }

    @Test(arguments: [
        "", "x", "# HELP parley_up x\n", "# HELP node_up x\nparley_up 1\n",
        "# HELP parley_up x\nparley_up 1\nparley_up 1\nparley_metrics_timestamp_seconds 1\n",
        "# HELP parley_up x\nparley_up{a=\"\nparley_metrics_timestamp_seconds 1\n",
        "# HELP parley_up x\nparley_up 1\nparley_metrics_timestamp_seconds 17",
    ])
    func whatIsNotAMetricsFile_isNotReadAsOne(text: String) {
        #expect(MetricsReading(Array(text.utf8)) == nil)
    }
}
