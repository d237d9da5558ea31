// How much clients can have recorded.
// SPDX-License-Identifier: Apache-2.0
import System
import Testing

@testable import Records

@Suite
struct BudgetTests {
    /// All that a client can cause without a program.
    static let frequent: [Record] = [
        .sessionStart(conversation: "command"), .reply(RecordedReply(name: "x")),
        .refusal(RecordedRefusal(code: "busy")),
        .handshakeFailure(code: "reset", reason: "it left"),
        .sessionEnd(reason: "left", bytesIn: 0, bytesOut: 0, duration: .zero),
    ]

    @Test func whatClientsCauseAtWill_isFrequent() {
        let rest = Samples.barest.filter { !$0.isFrequent }.map(\.schema.event)
        #expect(rest == [.commandStart, .commandEnd, .commandGone, .reload, .omission])
        #expect(Self.frequent.count { $0.isFrequent } == Self.frequent.count)
    }

    @Test(arguments: frequent)
    func itCountsInBytes_andWhatIsLeftOutIsCountedInTheNext(record: Record) throws {
        let trail = try Trail(room: 1 << 20)
        let recorder = trail.recorder(Samples.stranger, trail.budget(1_000))
        for _ in 1...2_000 { recorder.record(record) }
        let found = try lines(trail.read())
        let bytes = found.reduce(0) { $0 + $1.utf8.count + 1 }
        #expect(bytes >= 64_000 && bytes < 65_000)
        #expect(!found.contains { $0.contains("omitted_before") })
        trail.clock.now = trail.clock.now + .seconds(2)
        for _ in 1...100 { recorder.record(record) }
        let next = try lines(trail.read())
        let more = next.reduce(0) { $0 + $1.utf8.count + 1 }
        #expect(more >= 1_000 && more < 3_000)
        #expect(
            next.map { $0.contains(#""192.0.2.8:4711","omitted_before":\#(2_000 - found.count),"#) }
                == [true] + Array(repeating: false, count: next.count - 1))
        #expect(trail.news.all.isEmpty)
    }

    @Test func recordsOfPrograms_areNeverLeftOut_andTellWhatWas() throws {
        let trail = try Trail(room: 1 << 20)
        let recorder = trail.recorder(Samples.stranger, trail.budget(100))
        for _ in 1...1_000 { recorder.record(.reply(RecordedReply(name: "x"))) }
        let written = try lines(trail.read()).count
        for number in 1...200 {
            let start = recorder.start("ls", [], program: "/bin/ls", settled: { _ in })
            let command = try #require(start)
            recorder.record(.commandEnd(command, CommandEnd(.serverEnded)))
            let found = try lines(trail.read())
            #expect(found.count == 2)
            #expect(
                found[0].contains(#""omitted_before":\#(1_000 - written),"#) == (number == 1))
        }
        recorder.record(.reply(RecordedReply(name: "x")))
        #expect(try trail.read().isEmpty)
    }

    /// By sessions, one client had as many budgets as it liked.
    @Test func oneIdentity_hasOneBudget_andStrangersHaveOneTogether() throws {
        let trail = try Trail(room: 1 << 20)
        let budgets = trail.budgets(100)
        let ann = Samples.peer.identity
        let flood = trail.recorder(Samples.session, budgets[ann])
        for _ in 1...100 { flood.record(.reply(RecordedReply(name: "x"))) }
        let written = try lines(trail.read()).count
        #expect(written < 50)
        trail.recorder(Samples.session, budgets[ann]).record(.reply(RecordedReply(name: "x")))
        #expect(try trail.read().isEmpty)
        let strangers = (1...2).map { _ in trail.recorder(Samples.stranger, budgets[nil]) }
        strangers[0].record(.reply(RecordedReply(name: "x")))
        #expect(try lines(trail.read()).count == 1)
        for _ in 1...100 { strangers[0].record(.reply(RecordedReply(name: "x"))) }
        _ = try trail.read()
        strangers[1].record(.reply(RecordedReply(name: "x")))
        trail.recorder(Samples.session, budgets["dns:bob"]).record(.reply(RecordedReply(name: "x")))
        #expect(try lines(trail.read()).count == 1)
        // Another session of hers tells of it.
        trail.clock.now = trail.clock.now + .seconds(100)
        trail.recorder(Samples.session, budgets[ann]).record(.reply(RecordedReply(name: "x")))
        #expect(try trail.read().contains(#""omitted_before":\#(101 - written),"#))
    }

    @Test func whatTheNetworkProcessHasLeftOut_isToldByTheNext() throws {
        let trail = try Trail()
        let recorder = trail.recorder(Samples.stranger, trail.budget())
        recorder.omit(5, commands: 3)
        recorder.refuse("x", [], code: "busy", reason: "no")
        let line = try trail.read()
        #expect(line.contains(#""omitted_before":5,"#) && line.contains(#""command":4,"#))
    }

    @Test func atTheEnd_whatNoRecordHasToldIsTold() throws {
        let trail = try Trail(room: 1 << 20)
        let budgets = trail.budgets(10)
        for identity in ["dns:a", nil] {
            let recorder = trail.recorder(Samples.stranger, budgets[identity])
            for _ in 1...100 { recorder.record(.reply(RecordedReply(name: "x"))) }
        }
        let replies = try lines(trail.read()).count
        budgets.end()
        budgets.end()
        let found = try lines(trail.read())
        #expect(found.count == 2)
        let counts = found.map { line in
            Int(line.firstMatch(of: #/"event":"omission".*"records":(\d+)}/#)?.1 ?? "") ?? 0
        }
        #expect(counts.reduce(0, +) == 200 - replies)
        #expect(found.count { $0.contains(#""identity":"dns:a""#) } == 1)
    }

    @Test func identitiesWithoutASession_areForgotten_andThoseWithOneAreNot() throws {
        let trail = try Trail(room: 1 << 20)
        let budgets = trail.budgets(10)
        let kept = trail.recorder(Samples.session, budgets["kept"])
        let left = trail.recorder(Samples.session, budgets["left"])
        for recorder in [kept, left] {
            for _ in 1...20 { recorder.record(.reply(RecordedReply(name: "x"))) }
        }
        _ = consume left
        _ = try trail.read()
        for number in 1...(3 * Budgets.maxIdle) { _ = budgets["dns:\(number)"] }
        #expect(budgets.count <= Budgets.maxIdle)
        // It was used later than those that have had no record: only the time makes it whole.
        #expect(try trail.read().isEmpty)
        trail.clock.now = trail.clock.now + .seconds(10_000)
        for number in 1...(3 * Budgets.maxIdle) { _ = budgets["dns:\(number)"] }
        let told = try trail.read()
        #expect(try lines(told).count == 1)
        #expect(told.contains(#""event":"omission","identity":"left""#))
        kept.record(.reply(RecordedReply(name: "x")))
        #expect(try trail.read().contains("omitted_before"))
    }
}
