// The event loop: on which thread code runs, in which order, and that nothing starves.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct EventLoopTests {
    // MARK: Threads

    enum Await: CaseIterable, Sendable {
        case yield, continuation, otherLoop, unstructuredTask, asyncLet, taskGroup, lookUp, read
    }

    @Test(arguments: Await.allCases)
    func task_staysOnItsLoop_acrossAwaits(kind: Await) async throws {
        try await onLoop { loop in
            for _ in 0..<20 {
                try await self.suspend(kind, on: loop)
                try #require(loop.isCurrent)
            }
        }
    }

    private func suspend(_ kind: Await, on loop: EventLoop) async throws {
        switch kind {
        case .yield: await Task.yield()
        case .continuation:
            await withCheckedContinuation { waiting in onThread { waiting.resume() } }
        case .otherLoop:
            try await onLoop { other in #expect(other.isCurrent && !loop.isCurrent) }
        case .unstructuredTask:
            await loop.spawn {
                await Task.yield()
                #expect(loop.isCurrent)
            }.value
        case .asyncLet:
            async let child = loop.isCurrent
            #expect(await child)
        case .taskGroup:
            await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<3 { group.addTask { loop.isCurrent } }
                for await isCurrent in group { #expect(isCurrent && loop.isCurrent) }
            }
        case .lookUp: _ = try await Endpoint(host: "127.0.0.1", port: 1).addresses()
        case .read:
            let (a, b) = try Socket.pair(loop, loop)
            let text = loop.meanwhile { try await PlainStream(a).readText() }
            try await PlainStream(b).write(text: "x")
            #expect(try await text.value == "x")
        }
    }

    /// On top of the one that lets them run, as far as they are ready in this turn and it wants more.
    @Test func others_runWithinATask_untilItGoesOn() async throws {
        try await onLoop { loop in
            let seen = Shared<[Int]>([])
            let tasks = (0..<5).map { number in
                loop.meanwhile {
                    seen.value.append(number)
                    // Those that are spawned now wait for the next turn.
                    let late = loop.meanwhile { seen.value.append(number + 20) }
                    if number == 0 { loop.runOthers { seen.value.count < 3 } }
                    seen.value.append(number + 10)
                    try await late.value
                    #expect(loop.isCurrent)
                }
            }
            for task in tasks { try await task.value }
            #expect(seen.value == [0, 1, 11, 10, 2, 12, 3, 13, 4, 14, 20, 21, 22, 23, 24])
            // Nobody is left.
            loop.runOthers { true }
        }
    }

    /// As if what they wait for had come before.
    @Test func others_getTheirEvents_withinATask() async throws {
        try await onLoop { loop in
            let (a, b) = try Socket.pair(loop, loop)
            let seen = Shared<String?>(nil)
            let reading = loop.meanwhile { seen.value = try await PlainStream(a).readText() }
            for _ in 0..<3 { await loop.nextTurn() }
            let turns = loop.turns
            #expect(unsafe Array("x".utf8).withUnsafeBytes { unsafe b.send($0) } == 1)
            loop.runOthers { seen.value == nil }
            #expect(seen.value == "x")
            #expect(loop.turns > turns)
            try await reading.value
        }
    }

    @Test func execute_runsOnTheLoopsThread_fromOthers() async throws {
        try await onLoop { loop in
            let seen = Shared<[[Int]]>(Array(repeating: [], count: 4))
            await withCheckedContinuation { waiting in
                for thread in 0..<4 {
                    onThread {
                        for call in 0..<1_000 {
                            loop.execute {
                                if loop.isCurrent { seen.value[thread].append(call) }
                                if seen.value.allSatisfy({ $0.count == 1_000 }) { waiting.resume() }
                            }
                        }
                    }
                }
            }
            // No call is lost and none overtakes another.
            #expect(seen.value.allSatisfy { $0 == Array(0..<1_000) })
        }
    }

    @Test func execute_runsAtOnce_onTheLoop() async throws {
        try await onLoop { loop in
            let isDone = Shared(false)
            loop.execute { isDone.value = true }
            #expect(isDone.value)
        }
    }

    @Test func run_ends_afterStop() async throws {
        let loop = try EventLoop()
        #expect(!loop.isCurrent)
        try await onLoop { _ in
            await withCheckedContinuation { waiting in
                onThread {
                    loop.run()
                    waiting.resume()
                }
                loop.stop()
            }
        }
        #expect(!loop.isCurrent && loop.isMine)
    }

    @Test func join_returns_whenTheThreadHasEnded() async throws {
        try await onLoop { _ in
            let loop = try EventLoop()
            try loop.start()
            await Task(executorPreference: loop) { #expect(loop.isCurrent) }.value
            loop.stop()
            loop.join()
            // Nobody's thread: what is confined to it may be touched.
            #expect(loop.isMine)
            loop.join()
        }
    }

    @Test func tasksThatAreReady_goOn_afterStop() async throws {
        try await onLoop { _ in
            let loop = try EventLoop()
            let steps = Shared(0)
            loop.spawn {
                for _ in 0..<10 {
                    await Task.yield()
                    steps.value += 1
                }
            }
            loop.stop()
            try loop.start()
            loop.join()
            #expect(steps.value == 10)
        }
    }

    // MARK: Turns

    @Test func jobsThatEnqueueJobs_starveNeitherEventsNorDeadlinesNorCalls() async throws {
        try await onLoop { loop in
            let isOver = Shared(false)
            let busy = (0..<3).map { _ in
                loop.spawn { while !isOver.value { await Task.yield() } }
            }
            let (a, b) = try Socket.pair(loop, loop)
            let text = loop.meanwhile { try await PlainStream(a).readText() }
            try await PlainStream(b).write(text: "x")
            #expect(try await text.value == "x")
            await withCheckedContinuation { waiting in
                onThread { loop.execute { waiting.resume() } }
            }
            await fired(after: 1, on: loop)
            isOver.value = true
            for task in busy { await task.value }
        }
    }

    @Test func jobs_runInTheirOrder() async throws {
        try await onLoop { loop in
            let order = Shared<[Int]>([])
            let tasks = (0..<100).map { number in loop.spawn { order.value.append(number) } }
            for task in tasks { await task.value }
            #expect(order.value == Array(0..<100))
        }
    }

    @Test func resumeAtEndOfTurn_isDone_beforeTheLoopWaits() async throws {
        try await onLoop { loop in
            let (a, b) = try Socket.pair(loop, loop)
            let last = Last { #expect(b.sendNow([0x78]) == 1) }
            // With nothing else to do the loop waits for what only the end of the turn sends.
            loop.resumeAtEndOfTurn(last)
            #expect(last.count == 0)
            #expect(try await PlainStream(a).readText() == "x")
            await turns(5)
            #expect(last.count == 1)
        }
    }

    @Test func beforeWaiting_isWhenNothingElseIsToBeDone_orAfterAFewMilliseconds() async throws {
        try await onLoop { loop in
            let (a, b) = try Socket.pair(loop, loop)
            // The loop would wait for what only the call sends.
            loop.beforeWaiting { #expect(b.sendNow([0x78]) == 1) }
            #expect(try await PlainStream(a).readText() == "x")
            // A loop with something to do in each turn doesn't wait.
            let called = Shared<Moment?>(nil)
            let began = Moment.now
            loop.beforeWaiting { called.value = .now }
            while called.value == nil, .now - began < .seconds(10) { await loop.nextTurn() }
            let time = try #require(called.value) - began
            #expect(time >= .milliseconds(2) && time < .seconds(10))
        }
    }

    @Test func resumeNextTurn_waitsForTheNextTurn_howeverOftenItGivesWay() async throws {
        try await onLoop { loop in
            let turnsSeen = Shared<[UInt64]>([])
            await withCheckedContinuation { waiting in
                var again: Again?
                again = Again {
                    turnsSeen.value.append(loop.turns)
                    guard turnsSeen.value.count < 5 else {
                        again = nil
                        return waiting.resume()
                    }
                    loop.resumeNextTurn(again!)
                }
                loop.resumeNextTurn(again!)
            }
            #expect(Set(turnsSeen.value).count == 5)
        }
    }

    private final class Again: Resumable {
        private let call: () -> Void

        init(_ call: @escaping () -> Void) { self.call = call }

        func resume() { call() }
    }

    private final class Last: Resumable {
        private(set) var count = 0
        private let call: () -> Void

        init(_ call: @escaping () -> Void) { self.call = call }

        func resume() {
            count += 1
            call()
        }
    }

    // MARK: Deadlines

    @Test func deadlines_fireInTheirOrder_andNotEarly() async throws {
        try await onLoop { loop in
            let delays: [Int] = [30, 10, 20, 5, 25, 15]
            let fired = Shared<[Int]>([])
            var alarms: [Alarm] = []
            await withCheckedContinuation { waiting in
                alarms = delays.map { delay in
                    let due = loop.now + .milliseconds(delay)
                    let alarm = Alarm(loop: loop) { _ in
                        #expect(loop.now >= due)
                        fired.value.append(delay)
                        if fired.value.count == delays.count { waiting.resume() }
                    }
                    alarm.setDue(due)
                    return alarm
                }
            }
            withExtendedLifetime(alarms) {}
            #expect(fired.value == delays.sorted())
        }
    }

    @Test func deadline_firesOnce_atTheTimeThatWasSetLast() async throws {
        try await onLoop { loop in
            let fired = Shared<[String]>([])
            let sooner = Alarm(loop: loop) { _ in fired.value.append("sooner") }
            sooner.set(inMilliseconds: 1_000_000)
            sooner.set(inMilliseconds: 10)
            let later = Alarm(loop: loop) { _ in fired.value.append("later") }
            later.set(inMilliseconds: 5)
            later.set(inMilliseconds: 1_000_000)
            await self.fired(after: 30, on: loop)
            #expect(fired.value == ["sooner"])
            later.clearDue()
        }
    }

    @Test func deadline_doesNotFire_afterItWasTakenBackOrItsSourceIsGone() async throws {
        try await onLoop { loop in
            let fired = Shared(false)
            let takenBack = Alarm(loop: loop) { _ in fired.value = true }
            takenBack.set(inMilliseconds: 5)
            takenBack.clearDue()
            takenBack.clearDue()
            var gone: Alarm? = Alarm(loop: loop) { _ in fired.value = true }
            gone?.set(inMilliseconds: 5)
            gone = nil
            await self.fired(after: 30, on: loop)
            #expect(!fired.value)
        }
    }

    @Test func timer_callsOnce_unlessItIsLetGo() async throws {
        try await onLoop { loop in
            let calls = Shared<[String]>([])
            let kept = Timer(after: .seconds(0.005), on: loop) { calls.value.append("kept") }
            var gone: Timer? = Timer(after: .seconds(0.005), on: loop) {
                calls.value.append("gone")
            }
            #expect(gone != nil)
            gone = nil
            await self.fired(after: 50, on: loop)
            #expect(calls.value == ["kept"])
            withExtendedLifetime(kept) {}
        }
    }

    @Test func deadline_canBeSetAnew_whenItFires() async throws {
        try await onLoop { loop in
            let count = Shared(0)
            var alarm: Alarm?
            await withCheckedContinuation { waiting in
                alarm = Alarm(loop: loop) { alarm in
                    count.value += 1
                    if count.value == 3 { waiting.resume() } else { alarm.set(inMilliseconds: 1) }
                }
                alarm?.set(inMilliseconds: 1)
            }
            withExtendedLifetime(alarm) {}
            #expect(count.value == 3)
        }
    }

    private func fired(after milliseconds: UInt64, on loop: EventLoop) async {
        var alarm: Alarm?
        await withCheckedContinuation { waiting in
            alarm = Alarm(loop: loop) { _ in waiting.resume() }
            alarm?.set(inMilliseconds: milliseconds)
        }
        withExtendedLifetime(alarm) {}
    }
}
