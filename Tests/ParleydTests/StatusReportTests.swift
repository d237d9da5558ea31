// What parleyd status prints of a file that is damaged, or made to do harm.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Records
@testable import TestSupport
@testable import parleyd

@Suite(.timeLimit(.minutes(1)))
struct StatusReportTests {
    private static let now = 1_800_000_000

    /// A file that has something of everything.
    private static let whole: [UInt8] = {
        var metrics = Metrics(
            Metrics.Words(refusals: ["busy"], limits: ["memory"], failures: ["reset"]))
        metrics.use(programs: ["ls"], replies: ["Hello"])
        metrics.start(.certificates, at: now)
        metrics.note(.refusal(RecordedRefusal(code: "busy", limit: "memory")), at: now)
        metrics.note(.handshakeFailure(code: "reset", reason: ""), at: now)
        return metrics.text(
            ServerState(
                isUp: true, version: "1.2", library: "OpenSSL 3", started: now - 100, now: now,
                sessions: 3, sessionLimit: 9, programs: 1,
                expiries: [
                    .init(.server, subject: "CN = a", end: now + 5),
                    .init(.crl, subject: "CN = \"b\"", end: now - 5),
                ]))
    }()

    /// - Returns: nil if it is refused.
    private func lines(_ bytes: [UInt8], at now: Int = Self.now) -> [String]? {
        MetricsReading(bytes).map { reading in
            let report = StatusReport(reading, at: now)
            return report.lines + (report.fault.map { [$0] } ?? [])
        }
    }

    @Test func aWholeFile_hasNoFault() throws {
        let printed = try #require(lines(Self.whole))
        #expect(printed.count == 10)
        #expect(printed.contains("sessions           3 open of at most 9; 0 begun, 0 failed"))
    }

    @Test func aFileThatWasCutShort_isRefusedWithinALine() {
        for length in 0..<Self.whole.count where Self.whole[max(0, length - 1)] != newline {
            #expect(lines(Array(Self.whole[..<length])) == nil)
        }
    }

    @Test(arguments: [
        "1e400", "-1e400", "nan", "-nan", "inf", "-9223372036854775808", "18446744073709551616",
        "9e15", "0x1p1023", "1e-400", "-0",
    ])
    func aNumberBeyondAllOthers_isPrinted(number: String) throws {
        let text = String(decoding: Self.whole, as: UTF8.self).split(separator: "\n").map { line in
            guard !line.hasPrefix("#"), !line.hasPrefix("parley_up") else { return String(line) }
            let series = line.split(separator: " ").dropLast().joined(separator: " ")
            return "\(series) \(number)"
        }
        for now in [0, Self.now, 1 << 40] {
            #expect(lines(Array((text.joined(separator: "\n") + "\n").utf8), at: now) != nil)
        }
    }

    @Test func aDamagedFile_isReadOrRefused() {
        var random = SplitMix(state: 4)
        var read = 0
        for _ in 0..<1_000 {
            var bytes = Self.whole
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.insert(UInt8(ascii: "9"), at: place)
                case 2: bytes.insert(contentsOf: bytes[..<place].suffix(200), at: place)
                default: bytes.removeSubrange(place..<min(bytes.count, place + 40))
                }
            }
            if lines(bytes) != nil { read += 1 }
        }
        // Both ways were taken.
        #expect((1..<1_000).contains(read))
    }
}

private let newline = UInt8(ascii: "\n")
