// A trail in a file and in the journal.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import System
import Testing

@testable import Records

@Suite(.timeLimit(.minutes(2)))
struct TwoPlacesTests {
    private static let small = RecordedRefusal(code: "busy", reason: "later")
    private static let refused = CommandEnd(.refused(.init("unavailable", "no")))

    /// A file and a journal.
    private struct Places {
        let journal: Journal
        let trail: AuditFile

        init(limits: AuditLimits = AuditLimits()) throws {
            journal = try Journal()
            trail = try AuditFile(
                [.file(journal.folder["audit"]), journal.place], syncs: false, limits: limits)
        }

        /// How many lines the file has.
        var count: Int { journal.folder.read("audit").utf8.count { $0 == 0x0A } }

        func lines() throws -> [String] { try RecordsTests.lines(journal.folder.read("audit")) }
    }

    private func start(_ recorder: Recorder, _ fate: Fate) throws -> RecordedCommand {
        let command = recorder.start("ls", [], program: "/bin/ls", settled: fate.settle)
        fate.wait(for: command)
        return try #require(command)
    }

    @Test func aStart_isRecorded_whenBothHaveIt() throws {
        let places = try Places()
        let fate = Fate()
        _ = try start(Recorder(places.trail, nil), fate)
        try eventually("it is settled") { fate.value == .recorded }
        #expect(try places.lines().count == 1)
        #expect(try places.journal.read(1)[0]["PARLEY_EVENT"] == "command-start")
    }

    /// The one that has its start has its end as well, and the other one neither.
    @Test func aStartThatOnePlaceLacks_fails_andEndsWhereItBegan() throws {
        let places = try Places()
        let recorder = Recorder(places.trail, nil)
        places.journal.end()
        let fates = (1...3).map { _ in Fate() }
        for fate in fates {
            let command = try start(recorder, fate)
            // At once, as where its client leaves: nobody knows its fate yet.
            recorder.record(.commandEnd(command, Self.refused))
        }
        try eventually("they are settled") { fates.allSatisfy { $0.value == .begun } }
        // Nothing is kept that has no start: it would never end.
        try eventually("nothing waits") { places.trail.waiting == 0 }
        let lines = try places.lines()
        #expect(
            lines.map { $0.contains("command-start") } == [true, false, true, false, true, false])
        #expect(!lines.joined().contains("lost_before"))
        try places.journal.begin()
        let fate = Fate()
        _ = try start(recorder, fate)
        let entry = try places.journal.read(1)[0]
        #expect(entry["PARLEY_EVENT"] == "command-start" && entry["PARLEY_LOST_BEFORE"] == "3")
        try eventually("it is settled") { fate.value == .recorded }
    }

    /// What one lacks, that one tells.
    @Test func whatOnePlaceHasNoRoomFor_theOtherHas() throws {
        var limits = AuditLimits()
        limits.frequent = 100_000
        let places = try Places(limits: limits)
        let recorder = Recorder(places.trail, Samples.stranger)
        for round in 1...50 {
            for _ in 1...50 { recorder.record(.refusal(Self.small)) }
            // So that it has room for all.
            try eventually("the file has them") { places.count == 50 * round }
        }
        var entries: [Journal.Entry] = []
        try eventually("the journal has what it took") {
            while let entry = try places.journal.read() { entries.append(entry) }
            return places.trail.waiting == 0
        }
        while let entry = try places.journal.read() { entries.append(entry) }
        recorder.record(.refusal(Self.small))
        entries += try places.journal.read(1)
        let lost = entries.compactMap { Int($0["PARLEY_LOST_BEFORE"] ?? "") }.reduce(0, +)
        #expect(lost > 0 && entries.count + lost == 2_501)
        #expect(try !places.lines().joined().contains("lost_before"))
    }

    /// A file with starts that could never be is one that a client can fill.
    @Test func aStartThatOnePlaceHasNoRoomFor_isInNeither() throws {
        var limits = AuditLimits()
        limits.starts = 60_000
        let places = try Places(limits: limits)
        let recorder = Recorder(places.trail, nil)
        var count = 0
        while recorder.start("ls", [], program: "/bin/ls", settled: { _ in }) != nil {
            count += 1
            try #require(count < 100_000)
            // So that it has room for all.
            try eventually("the file has it") { count % 50 > 0 || places.count == count }
        }
        try eventually("the file has all") { places.count == count }
        #expect(recorder.start("ls", [], program: "/bin/ls", settled: { _ in }) == nil)
        let entries = try places.journal.read(count)
        #expect(entries.count == count)
        try eventually("nothing waits") { places.trail.waiting == 0 }
        #expect(try places.lines().count == count)
    }

    @Test func reopening_isTheFiles() throws {
        let places = try Places()
        places.journal.folder.rename("audit", to: "audit.1")
        try places.trail.reopen()
        Recorder(places.trail, nil).record(.reload(.certificates, failure: nil))
        #expect(places.trail.finish(within: .seconds(30)) == 0)
        #expect(try places.lines().count == 1)
        #expect(try places.journal.read(1)[0]["PARLEY_EVENT"] == "reload")
    }

    // MARK: The fate of a start

    @Test(
        arguments: [
            ([.recorded, .recorded], .recorded), ([.failed, .failed], .failed),
            ([.recorded, .failed], .begun), ([.failed, .recorded], .begun),
            ([.begun, .failed], .begun), ([.recorded, .begun], .begun),
        ] as [([StartFate], StartFate)])
    func theFateOfAStart_isThatOfAllPlaces(fates: [StartFate], all: StartFate) {
        let start = StartRecord(places: 2)
        #expect(start.wait() == nil)
        #expect(start.settle(fates[1], in: 1) == nil)
        #expect(start.fate == nil && start.fate(in: 0) == nil && start.fate(in: 1) == fates[1])
        #expect(start.settle(fates[0], in: 0) == all)
        #expect(start.fate == all && start.wait() == all)
    }
}
