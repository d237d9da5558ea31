// What becomes of records where whoever takes them is slow, full or gone.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import System
import Testing

@testable import Records

@Suite
struct SlowTrailTests {
    private static let small = RecordedRefusal(code: "busy", reason: "later")
    private static let end = CommandEnd(.ended(.status(0)), pid: 7)

    private func start(
        _ recorder: Recorder, _ fate: Fate = Fate(), argument: String = "x"
    ) throws -> RecordedCommand {
        let command = recorder.start(
            "ls", [.open(argument)], program: "/bin/ls", settled: fate.settle)
        fate.wait(for: command)
        return try #require(command)
    }

    /// No line is cut, and no line is inside another.
    @Test func aReaderThatPauses_getsEveryLineWhole_inItsOrder() throws {
        let trail = try Trail()
        let recorder = trail.recorder()
        var fates: [Fate] = []
        for number in 1...40 {
            let fate = Fate()
            // Some are longer than the pipe.
            let command = try start(
                recorder, fate, argument: String(repeating: "y", count: number % 4 * 3_000))
            recorder.record(.commandEnd(command, Self.end))
            fates.append(fate)
        }
        // The pipe holds a page, and the rest waits for its reader.
        usleep(50_000)
        #expect(trail.file.waiting > 60)
        #expect(fates.contains { $0.value == nil } && fates.first?.value == .recorded)
        let text = try trail.read()
        #expect(fates.allSatisfy { $0.value == .recorded })
        let events = try lines(text).map { line in
            let match = line.firstMatch(of: #/"event":"command-([a-z]+)","command":(\d+)/#)
            return try #require(match).output
        }
        #expect(
            events.map { "\($0.1) \($0.2)" }
                == (1...40).flatMap { ["start \($0)", "end \($0)"] })
        #expect(!text.contains("lost_before") && trail.news.losses.isEmpty)
    }

    @Test func frequentRecords_areLeftOut_whereTooMuchWaits_andStartsAndEndsAreNot() throws {
        var limits = AuditLimits()
        limits.frequent = 20_000
        let trail = try Trail(limits: limits)
        let recorder = trail.recorder(Samples.stranger, trail.budget())
        for _ in 1...200 { recorder.record(.refusal(Self.small)) }
        let command = try start(recorder)
        recorder.record(.commandEnd(command, Self.end))
        let found = try lines(trail.read())
        let refusals = found.count { $0.contains(#""event":"refusal""#) }
        #expect(refusals > 20 && refusals < 150)
        #expect(found.count == refusals + 2)
        #expect(found.last?.contains(#""event":"command-end""#) == true)
        let omitted = found.map { line in
            Int(line.firstMatch(of: #/"omitted_before":(\d+),/#)?.1 ?? "") ?? 0
        }
        #expect(omitted.reduce(0, +) == 200 - refusals)
        #expect(trail.news.losses.isEmpty)
    }

    @Test func starts_areRefused_whereFarTooMuchWaits() throws {
        var limits = AuditLimits()
        limits.starts = 20_000
        let trail = try Trail(limits: limits)
        let recorder = trail.recorder()
        var commands: [RecordedCommand] = []
        while let command = recorder.start("ls", [], program: "/bin/ls", settled: { _ in }) {
            commands.append(command)
            try #require(commands.count < 1_000)
        }
        // Ends are taken always.
        for command in commands { recorder.record(.commandEnd(command, Self.end)) }
        #expect(try lines(trail.read()).count == 2 * commands.count)
        let next = try start(recorder)
        #expect(next.number == commands.count + 1)
    }

    // MARK: What can't be written

    @Test func anEndThatCanNotBeWritten_isKept_andNothingComesBeforeIt() throws {
        let trail = try Trail()
        let recorder = trail.recorder()
        let command = try start(recorder)
        _ = try trail.read()
        trail.leave()
        recorder.record(.commandEnd(command, Self.end))
        recorder.record(.refusal(Self.small))
        let fate = Fate()
        let other = try start(recorder, fate)
        try eventually("the start has failed") { fate.value == .failed }
        // What has not begun has no end.
        recorder.record(.commandEnd(other, Self.end))
        try eventually("the rest is settled") { trail.file.waiting == 1 }
        trail.comeBack()
        // By itself, after a second.
        let kept = try trail.read()
        #expect(try lines(kept).count == 1)
        #expect(kept.contains(#""event":"command-end","command":1,"#))
        #expect(kept.contains(#","lost_before":2}"#))
        #expect(trail.news.words == ["keeps", "loses", "hasWritten"])
    }

    /// Its line is whole in the end, and has its end.
    @Test func aStartOfWhichAPartIsWritten_fails_andIsCompleted() throws {
        let trail = try Trail()
        let recorder = trail.recorder()
        let fate = Fate()
        let command = try start(
            recorder, fate, argument: String(repeating: "z", count: 3 * trail.room))
        let first = try trail.read(atLeast: 1)
        trail.leave()
        try eventually("it is settled") { fate.value != nil }
        #expect(fate.value == .begun)
        recorder.record(.commandEnd(command, CommandEnd(.refused(.init("unavailable", "no")))))
        trail.comeBack()
        let all = try lines(first + trail.read())
        #expect(all.count == 2)
        #expect(all[0].contains("zz") && all[1].contains(#""outcome":"refused""#))
    }

    /// The old file may have a line without its end then, and the new one has the record.
    @Test func aLineThatWasBegun_isWholeInTheNewFile() throws {
        let trail = try Trail()
        let recorder = trail.recorder()
        let fate = Fate()
        let command = try start(
            recorder, fate, argument: String(repeating: "z", count: 3 * trail.room))
        _ = try trail.read(atLeast: 1)
        trail.leave()
        try eventually("it is settled") { fate.value == .begun }
        recorder.record(.commandEnd(command, Self.end))
        trail.moveAway()
        try trail.file.reopen()
        try eventually("all is written") { trail.file.waiting == 0 }
        let all = try lines(trail.read("audit"))
        #expect(all.map { $0.contains("command-start") } == [true, false])
    }

    @Test func atTheEnd_whatNobodyTakesIsCounted_andNothingWaitsForLonger() throws {
        let trail = try Trail()
        let recorder = trail.recorder()
        let fates = (1...30).map { _ in Fate() }
        let commands = try fates.map { try start(recorder, $0) }
        for command in commands { recorder.record(.commandEnd(command, Self.end)) }
        let began = Moment.now
        let missing = trail.file.finish(within: .milliseconds(200))
        #expect(Moment.now - began < .seconds(20))
        let text = try trail.read(atLeast: 1_000)
        let whole = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        #expect(whole.count > 0 && missing > 0)
        // Ends of starts that were never written are not missing.
        let written = whole.count { $0.contains("command-start") }
        #expect(fates.count { $0.value == .recorded } == written)
    }

    /// A disk may have room again while the server ends.
    @Test func anEndThatIsOwed_isTriedAgainForAsLongAsTheEndMayTake() throws {
        let trail = try Trail()
        let recorder = trail.recorder()
        let command = try start(recorder)
        _ = try trail.read()
        trail.leave()
        recorder.record(.commandEnd(command, Self.end))
        try eventually("it is owed") { trail.news.words == ["keeps"] }
        let missing = Locked(.max)
        try startDetachedThread { [file = trail.file] in
            missing.value = UInt64(file.finish(within: .seconds(30)))
        }
        // Longer than between two attempts.
        usleep(1_500_000)
        #expect(missing.value == .max)
        trail.comeBack()
        let text = try trail.read()
        try eventually("it is over") { missing.value != .max }
        #expect(missing.value == 0)
        #expect(try lines(text).count == 1 && text.contains(#""event":"command-end""#))
        #expect(trail.news.words == ["keeps", "hasWritten"])
    }

    /// Otherwise the log's last words would wait for ever for the rest of a line.
    @Test func atItsEnd_theTrailGivesUpItsTurn() async {
        await #expect(processExitsWith: .success) {
            var ends: [Int32] = [-1, -1]
            _ = unsafe pipe(&ends)
            _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
            _ = fcntl(ends[1], 1_031, 4_096)
            _ = dup2(ends[1], 2)
            let turn = LineTurn()
            let file = try AuditFile("-", turn, syncs: false)
            let recorder = Recorder(file, nil)
            let fate = Fate()
            _ = recorder.start(
                "ls", [.open(String(repeating: "z", count: 20_000))], program: "/bin/ls",
                settled: fate.settle)
            // Part of a line is there, which nobody reads.
            try eventually("the pipe is full") { turn.attempt(as: .log) { (0, true) } == nil }
            let missing = file.finish(within: .milliseconds(100))
            let isLogs = turn.attempt(as: .log) { (1, true) } == 1
            exit(missing == 1 && isLogs ? 0 : 1)
        }
    }

    // MARK: The disk

    /// They are in the file, and whoever reads it is not to look for more.
    @Test func whatMayNotHaveComeToTheDisk_isNotLost_andItsProgramsDoNotStart() throws {
        let fails = Locked(1)
        let trail = try Trail(sync: { _ in fails.value == 1 ? Errno(EIO) : nil })
        let recorder = trail.recorder()
        for _ in 1...2 {
            let fate = Fate()
            let command = try start(recorder, fate)
            recorder.record(.commandEnd(command, CommandEnd(.refused(.init("unavailable", "no")))))
            try eventually("it is settled") { fate.value != nil }
            #expect(fate.value == .begun)
            #expect(try lines(trail.read()).count == 2)
        }
        #expect(trail.news.words == ["doubts"])
        fails.value = 0
        let fate = Fate()
        _ = try start(recorder, fate)
        let text = try trail.read()
        #expect(fate.value == .recorded && !text.contains("lost_before"))
        fails.value = 1
        _ = try start(recorder)
        _ = try trail.read()
        #expect(trail.news.words == ["doubts", "doubts"])
    }

    @Test func frequentRecords_areLeftOutBelowTheFloor_andToldOnce_andStartsAreNot() throws {
        let folder = try Folder()
        let free = Locked(10 << 20)
        let news = Trail.News()
        var limits = AuditLimits()
        limits.reserve = 64 << 20
        let file = try AuditFile(
            folder["audit"], sync: nil, limits: limits,
            floor: { DiskFloor(64 << 20) { _ in DiskFloor.Space(free: free.value, all: 1 << 40) } },
            told: { news.add($0) })
        let clock = Trail.Clock()
        let budget = Budget(rate: 1 << 20) { clock.now }
        let recorder = Recorder(file, Samples.stranger, budget: budget)
        try eventually("it was looked at") { !news.all.isEmpty }
        for _ in 1...5 { recorder.record(.refusal(Self.small)) }
        let fate = Fate()
        let command = try start(recorder, fate)
        recorder.record(.commandEnd(command, Self.end))
        try eventually("it is recorded") { fate.value == .recorded && file.waiting == 0 }
        free.value = 100 << 20
        try eventually("there is room again") { news.words.last == "hasRoom" }
        recorder.record(.refusal(Self.small))
        #expect(file.finish(within: .seconds(30)) == 0)
        let found = try lines(folder.read("audit"))
        #expect(found.count == 3)
        #expect(found[0].contains(#""omitted_before":5,"#) && found[0].contains("command-start"))
        #expect(found[2].contains(#""event":"refusal""#))
        #expect(news.words == ["isShort", "hasRoom"])
    }

    @Test func theFloor_isAnEighthOfASmallDisk() {
        var floor = DiskFloor(64 << 20) { _ in DiskFloor.Space(free: 9 << 20, all: 64 << 20) }
        let trail = try! OpenedTrail("/dev/null")
        // There is no disk.
        #expect(floor.look(at: trail, .now) == nil && floor.floor == 0)
        let folder = try! Folder()
        let file = try! OpenedTrail(folder["audit"])
        #expect(floor.look(at: file, .now) == nil)
        #expect(floor.floor == 8 << 20 && !floor.isShort)
    }

    /// What follows a short disk may have none, and nobody would look again.
    @Test func aFloor_isForgottenWithItsDisk() throws {
        var floor = DiskFloor(64 << 20) { _ in DiskFloor.Space(free: 1, all: 1 << 30) }
        let folder = try Folder()
        #expect(try floor.look(at: OpenedTrail(folder["audit"]), .now) == 1)
        #expect(floor.isShort && floor.due != .never)
        floor.forget()
        #expect(try floor.look(at: OpenedTrail("/dev/null"), .now) == nil)
        #expect(!floor.isShort && floor.due == .never)
    }

    /// Whoever writes a line of the log must not wait for a disk.
    @Test func aFile_sharesNoTurnWithTheLog() throws {
        let folder = try Folder()
        #expect(try OpenedTrail(folder["audit"], LineTurn()).turn == nil)
    }
}
