// A program whose start is not recorded yet, since the trail is slow.
// SPDX-License-Identifier: Apache-2.0
import Commands
import Glibc
import Programs
import System
import Testing

@testable import Broker
@testable import Remote
@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct RecordedStartTests {
    /// Its program leaves a mark where it has run.
    private final class Case {
        let office: TestOffice
        let network: TestNetwork
        private let folder: TemporaryFolder
        private let loop: EventLoop

        init(_ loop: EventLoop, _ name: String = "mark", pipes: Duration? = nil) throws {
            self.loop = loop
            folder = try TemporaryFolder()
            office = try TestOffice(
                """
                mark: {run: ["/usr/bin/touch", "\(folder["mark"])"], allow: ["anyone"]},
                sleep: {run: ["/bin/sleep", "1000"], allow: ["anyone"]},
                hi: {reply: "hi"}
                """)
            office.recordsLate = true
            network = try TestNetwork(office, loop, pipes: pipes)
            network.begin()
            network.run(name)
        }

        var hasRun: Bool { unsafe access(folder["mark"], F_OK) == 0 }

        /// As long as a program needs by far.
        func pause() async {
            let later = Bell()
            let timer = Timer(after: .milliseconds(100), on: loop) { later.ring() }
            await later.wait()
            withExtendedLifetime(timer) {}
        }

        /// The session goes on.
        func goesOn() async throws {
            network.run("hi")
            try await eventually("the next run is answered") { network.kinds.last == .answered }
            #expect(network.end == nil)
        }
    }

    private static let ends = EndsPost(handle: 1, haveCome: true)
    private static let told = ToldPost(handle: 1, traffic: Traffic())
    private static let refusal = Refusal(.unavailable, "it cannot be recorded")

    @Test func aProgram_startsWhenItsStartIsRecorded() async throws {
        try await onLoop { loop in
            let test = try Case(loop)
            // Its pipes don't wait for the record: meanwhile its client is heard.
            try await test.network.hears(.started)
            test.network.say(Self.ends)
            await test.pause()
            #expect(!test.hasRun && test.network.kinds == [.started])
            test.office.settle()
            try await test.network.hears(.started, .done)
            #expect(test.hasRun)
            test.network.say(Self.told)
            try await eventually("its end is recorded") { test.office.ends.count == 1 }
            #expect(test.office.vacated == 1 && test.office.abandoned == 0)
            try await test.goesOn()
        }
    }

    @Test func aStartThatCanSoonBeSeenNotToBeRecorded_isRefusedWithOneMessage() async throws {
        try await onLoop { loop in
            let test = try Case(loop, pipes: .seconds(20))
            try await eventually("it is admitted") { test.office.admitted == 1 }
            test.office.settle(Self.refusal)
            try await test.network.hears(.finished)
            #expect(
                try test.network.last()
                    == FinishedPost(
                        handle: 1, outcome: .refused(Self.refusal), output: [], errorOutput: []))
            try await test.goesOn()
            #expect(!test.hasRun && test.office.ends.count == 1 && test.office.vacated == 1)
        }
    }

    @Test(arguments: [true, false])
    func aStartThatCanNotBeRecorded_isRefused(haveCome: Bool) async throws {
        try await onLoop { loop in
            let test = try Case(loop)
            try await test.network.hears(.started)
            if haveCome {
                test.network.say(Self.ends)
                await test.pause()
            }
            test.office.settle(Self.refusal)
            #expect(test.office.vacated == 1 && test.office.ends.count == 1)
            if !haveCome { test.network.say(Self.ends) }
            try await test.network.hears(.started, .done)
            #expect(try test.network.last(DonePost.self).outcome == .refused(Self.refusal))
            test.network.say(Self.told)
            try await test.goesOn()
            #expect(!test.hasRun && test.office.ends.count == 1)
        }
    }

    /// As for who has no descriptors for them.
    @Test func aStartThatCanNotBeRecorded_isRefused_wherePipesHaveNotCome() async throws {
        try await onLoop { loop in
            let test = try Case(loop)
            try await test.network.hears(.started)
            test.office.settle(Self.refusal)
            test.network.say(EndsPost(handle: 1, haveCome: false))
            try await test.network.hears(.started, .finished)
            #expect(
                try test.network.last(FinishedPost.self).outcome == .refused(Self.refusal))
            try await test.goesOn()
            #expect(!test.hasRun && test.office.vacated == 1)
        }
    }

    /// What was found at its admission doesn't count any more.
    @Test func whoIsRevokedMeanwhile_isNotStarted() async throws {
        try await onLoop { loop in
            let test = try Case(loop)
            try await test.network.hears(.started)
            test.network.say(Self.ends)
            await test.pause()
            let revoked = Refusal(.notAllowed, "the client's certificate was revoked")
            test.office.objection = revoked
            test.office.settle()
            try await test.network.hears(.started, .done)
            #expect(try test.network.last(DonePost.self).outcome == .refused(revoked))
            test.network.say(Self.told)
            test.office.objection = nil
            try await test.goesOn()
            #expect(!test.hasRun && test.office.ends.count == 1 && test.office.vacated == 1)
        }
    }

    /// As where it has started already: a record takes a moment, and a client can't know of it.
    @Test(arguments: [
        #"mark: {run: ["/bin/true"], allow: ["dns:nobody"]}"#,
        #"other: {reply: "there is no mark"}"#,
    ])
    func whatAnotherTableDoesNotAllow_isNotStarted(_ commands: String) async throws {
        try await onLoop { loop in
            let test = try Case(loop)
            try await test.network.hears(.started)
            test.network.say(Self.ends)
            await test.pause()
            test.office.table = try CommandTable(text: "{commands: {\(commands)}}", name: "t")
            test.office.settle()
            try await test.network.hears(.started, .done)
            guard case .refused(let refusal) = try test.network.last(DonePost.self).outcome else {
                Issue.record("it was started")
                return
            }
            #expect(refusal.code == .notAllowed && !test.hasRun)
            #expect(test.office.ends.count == 1 && test.office.vacated == 1)
        }
    }

    @Test func whoCancelsShortlyBeforeTheRecordIsThere_isEnded() async throws {
        try await onLoop { loop in
            let test = try Case(loop, "sleep")
            try await test.network.hears(.started)
            test.network.say(Self.ends, StopPost(handle: 1, reason: .ordered))
            await test.pause()
            #expect(test.network.kinds == [.started])
            test.office.settle()
            try await eventually("it has ended") { test.network.kinds.last == .done }
            #expect(try test.network.last(DonePost.self).outcome == .ended(.signal(15)))
            test.network.say(Self.told)
            try await eventually("its end is recorded") { test.office.ends.count == 1 }
            try await test.goesOn()
        }
    }

    @Test func whoCancelsLongBefore_isNotStarted() async throws {
        try await onLoop { loop in
            let test = try Case(loop)
            try await test.network.hears(.started)
            test.network.say(Self.ends, StopPost(handle: 1, reason: .ordered))
            try await test.network.hears(.started, .done)
            guard case .refused(let refusal) = try test.network.last(DonePost.self).outcome else {
                Issue.record("it has run")
                return
            }
            #expect(refusal.code == .cancelled)
            #expect(test.office.vacated == 1 && test.office.ends.count == 1)
            test.office.settle()
            test.network.say(Self.told)
            await test.pause()
            try await test.goesOn()
            #expect(!test.hasRun && test.office.ends.count == 1)
        }
    }

    @Test(arguments: [true, false])
    func aSessionThatEndsMeanwhile_givesThePlaceBack(haveCome: Bool) async throws {
        try await onLoop { loop in
            let test = try Case(loop)
            try await test.network.hears(.started)
            if haveCome { test.network.say(Self.ends) }
            test.network.say(ClosedPost(handle: 1))
            try await eventually("it is closed") { test.office.closed == 1 }
            #expect(test.office.vacated == 1 && test.office.abandoned == 1)
            test.office.settle()
            await test.pause()
            #expect(!test.hasRun && test.office.ends.isEmpty && test.network.end == nil)
        }
    }
}
