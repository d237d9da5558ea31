// Silence in sessions whose ends say that they are there.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct KeepaliveTests {
    @Test(arguments: [Channel.Phase.hearing, .resting])
    func silence_isAskedAbout_untilTheIdleDeadline(_ phase: Channel.Phase) async throws {
        try await onLoop { loop in
            let session = try Session(loop, idle: .seconds(0.3), keepalive: .seconds(0.05))
            #expect(await session.end(phase) == .idleTimedOut)
            // Once in each time of silence, which a busy machine may make longer.
            #expect((1...5).contains(session.pings), "\(session.pings)")
        }
    }

    @Test func pings_areOftenEnough_forTheIdleDeadline() async throws {
        try await onLoop { loop in
            let session = try Session(loop, idle: .seconds(0.3), keepalive: .seconds(1_000))
            #expect(await session.end(.hearing) == .idleTimedOut)
            #expect((1...2).contains(session.pings), "\(session.pings)")
        }
    }

    @Test(arguments: [Channel.Phase.hearing, .resting])
    func noPings_areSent_whereTheyAreOff(_ phase: Channel.Phase) async throws {
        try await onLoop { loop in
            let session = try Session(loop, idle: .seconds(0.1), keepalive: .seconds(0))
            #expect(await session.end(phase) == .idleTimedOut)
            #expect(session.pings == 0)
        }
    }

    @Test func sessionsOfMessages_sendNoPings() async throws {
        try await onLoop { loop in
            let session = try Session(loop, idle: .seconds(0.1), keepalive: .seconds(0.01))
            #expect(await session.end(.idle) == .idleTimedOut)
            #expect(session.pings == 0)
        }
    }

    @Test func anAnswer_keepsAPeerThatIsHeard() async throws {
        try await onLoop { loop in
            let session = try Session(loop, idle: .seconds(0.6), keepalive: .seconds(0.1))
            session.answers = 8
            let started = loop.now
            #expect(await session.end(.hearing) == .idleTimedOut)
            #expect(session.answers == 0)
            #expect(loop.now - started >= .milliseconds(1_300))
        }
    }

    @Test func anAnswer_doesNotKeepARestingSession_andActivityDoes() async throws {
        try await onLoop { loop in
            let session = try Session(loop, idle: .seconds(0.4), keepalive: .seconds(0.05))
            session.answers = .max
            let started = loop.now
            #expect(await session.end(.resting) == .idleTimedOut)
            let idle = loop.now - started
            #expect(idle >= .milliseconds(400) && idle < .seconds(5))
            #expect(session.pings >= 2)

            let busy = try Session(loop, idle: .seconds(0.4), keepalive: .seconds(0.05))
            let alarm = Alarm(loop: loop) { _ in busy.near.noteActivity() }
            alarm.set(inMilliseconds: 200)
            let begun = loop.now
            #expect(await busy.end(.resting) == .idleTimedOut)
            #expect(loop.now - begun >= .milliseconds(600))
            alarm.clearDue()
        }
    }

    @Test func aPeerThatDoesNotRead_staysAsLongAsItSaysSomething() async throws {
        try await onLoop { loop in
            let session = try Session(loop, idle: .seconds(0.3), keepalive: .seconds(0.1))
            session.owesPeer = true
            session.reads = false
            let said = Shared(0)
            let alarm = Alarm(loop: loop) { alarm in
                said.value += 1
                #expect(session.far.sendNow([0]) == 1)
                if said.value < 10 { alarm.set(inMilliseconds: 100) }
            }
            alarm.set(inMilliseconds: 100)
            let started = loop.now
            #expect(await session.end(.resting) == .idleTimedOut)
            #expect(said.value == 10)
            #expect(loop.now - started >= .seconds(1))
            alarm.clearDue()
        }
    }

    @Test func whoHoldsItsPeerUp_saysThatItIsThere_andDoesNotGiveUp() async throws {
        try await onLoop { loop in
            let session = try Session(loop, idle: .seconds(0.05), keepalive: .seconds(0))
            let ending = loop.spawn { await session.end(.holding) }
            try await eventually("it says so twice") { session.pings >= 2 }
            #expect(session.near.silence >= .seconds(1))
            ending.cancel()
            #expect(await ending.value == .cancelled)
        }
    }
}

/// One end of a session, which counts what it is asked to say. Confined to its loop.
private final class Session: Driver {
    let near: Socket
    let far: Socket
    private(set) var pings = 0
    /// So many pings have an answer.
    var answers = 0
    var reads = true
    var owesPeer = false

    init(_ loop: EventLoop, idle: Duration, keepalive: Duration) throws {
        var deadlines = Deadlines()
        deadlines.idle = idle
        deadlines.keepalive = keepalive
        (near, far) = try Socket.pair(loop, loop, deadlines: deadlines)
    }

    /// How a phase ends in which nothing else is said.
    func end(_ phase: Channel.Phase) async -> StreamError.Code? {
        near.driver = self
        defer { near.driver = nil }
        near.enter(phase)
        return await failureCode { () async throws(StreamError) in
            guard reads else { while true { try await near.wait(for: .read) } }
            _ = try await PlainStream(near).readAll()
        }
    }

    func channelChanged() {}

    func keepAlive() {
        pings += 1
        guard answers > 0 else { return }
        answers -= 1
        #expect(far.sendNow([0]) == 1)
    }
}
