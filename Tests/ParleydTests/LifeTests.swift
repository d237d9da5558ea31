// What a server's life comes to, whatever happens in which order.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Sockets
import Testing

@testable import TestSupport
@testable import parleyd

@Suite struct LifeTests {
    private static let patience = Life.Patience(drain: .microseconds(10), grace: .nanoseconds(500))
    private static let nobody = Counts()
    private static let session = Counts(sessions: 1)
    private static let program = Counts(programs: 1)
    private static let both = Counts(sessions: 2, programs: 1)

    /// A life to which things happen, and what it has said of them.
    private struct Story {
        var life = Life.serving
        var now = Moment(nanoseconds: 1_000)
        var patience = LifeTests.patience

        mutating func meet(_ event: Life.Event, _ counts: Counts) -> [Life.Order] {
            life.meet(event, at: now, counts, patience)
        }

        /// Lets the time come that the life waits for.
        mutating func wait(_ counts: Counts) throws -> [Life.Order] {
            now = try #require(life.due)
            return meet(.time, counts)
        }
    }

    /// One that drains, with time enough for several looks at its sessions.
    private static func draining(_ counts: Counts) -> Story {
        var story = Story()
        story.patience = Life.Patience(drain: Life.inFlight * 100, grace: .nanoseconds(500))
        _ = story.meet(.signal(SIGTERM), counts)
        return story
    }

    @Test(arguments: [nobody, session, program, both])
    func whileItServes_nobodysLeavingMeansAnything(_ counts: Counts) {
        var story = Story()
        for event in [Life.Event.sessionEnded, .programEnded, .time] {
            #expect(story.meet(event, counts) == [])
        }
        #expect(story.life == .serving)
        #expect(story.life.due == nil)
    }

    @Test(arguments: [Life.Event.signal(SIGTERM), .signal(SIGINT), .endIsAsked])
    func whereNobodyIs_itsEndIsAtOnceAndIsNoFailure(_ event: Life.Event) {
        var story = Story()
        #expect(story.meet(event, Self.nobody) == [.stopAccepting, .stop])
        #expect(story.life == .over)
        #expect(story.life.due == nil)
        #expect(story.life.status == 0)
    }

    @Test(arguments: [session, program, both])
    func whereSomebodyIs_itsEndWaits(_ counts: Counts) {
        var story = Story()
        #expect(story.meet(.signal(SIGTERM), counts) == [.stopAccepting])
        guard case .draining(let drain) = story.life else { return #expect(Bool(false)) }
        #expect(drain.until == story.now + Self.patience.drain)
    }

    @Test func onceIsOver_sendsTheOthersAwayAtOnce() {
        var story = Story()
        #expect(story.meet(.onceIsOver, Self.session) == [.cancelSessions, .stopAccepting])
        var draining = Self.draining(Self.session)
        #expect(draining.meet(.onceIsOver, Self.session) == [.cancelSessions])
    }

    @Test(arguments: [Life.Event.sessionEnded, .programEnded])
    func theLastOneToLeave_isItsEnd(_ event: Life.Event) {
        var story = Self.draining(Self.both)
        #expect(story.meet(event, Self.nobody) == [.stop])
        #expect(story.life == .over)
    }

    @Test(arguments: [Life.Event.sessionEnded, .programEnded], [session, program, both])
    func whoeverIsLeft_isWaitedFor(_ event: Life.Event, _ counts: Counts) {
        var story = Self.draining(Self.both)
        #expect(story.meet(event, counts) == [])
        guard case .draining = story.life else { return #expect(Bool(false)) }
    }

    @Test func sessionsOfMessages_areLookedAtAgainAndAgain() throws {
        var story = Self.draining(Self.both)
        let start = story.now
        for round in 1...3 {
            #expect(try story.wait(Self.both) == [.endMessageSessions])
            #expect(story.now == start + Life.inFlight * round)
        }
    }

    @Test func remoteSessions_areLookedAtWhereNoProgramRuns() throws {
        var story = Self.draining(Self.session)
        for _ in 1...3 {
            #expect(try story.wait(Self.session) == [.endMessageSessions, .endRemoteSessions])
        }
    }

    @Test func remoteSessions_haveAMomentAfterTheLastProgramsEnd() throws {
        var story = Self.draining(Self.both)
        #expect(try story.wait(Self.both) == [.endMessageSessions])
        story.now = story.now + Life.inFlight / 2
        #expect(story.meet(.programEnded, Self.session) == [])
        #expect(try story.wait(Self.session) == [.endMessageSessions])
        #expect(try story.wait(Self.session) == [.endRemoteSessions])
    }

    @Test func aProgramThatIsStartedMeanwhile_isWaitedForAndItsEndNoticed() throws {
        var story = Self.draining(Self.session)
        #expect(try story.wait(Self.both) == [.endMessageSessions])
        #expect(try story.wait(Self.both) == [.endMessageSessions])
        story.now = story.now + .nanoseconds(1)
        #expect(story.meet(.programEnded, Self.session) == [])
        #expect(try story.wait(Self.session) == [.endMessageSessions])
        #expect(try story.wait(Self.session) == [.endRemoteSessions])
    }

    @Test func whoeverOutlastsTheDrain_isCancelledAndThenKilled() throws {
        var story = Story()
        _ = story.meet(.signal(SIGTERM), Self.both)
        #expect(try story.wait(Self.both) == [.cancelSessions])
        let until = story.now + Self.patience.grace + Life.moreThanGrace
        #expect(story.life == .leaving(until: until))
        #expect(story.meet(.sessionEnded, Self.program) == [])
        #expect(try story.wait(Self.program) == [.stop])
        #expect(story.now == until)
        #expect(story.life == .killed(by: nil))
        #expect(story.life.status == 0)
    }

    @Test func whoeverLeavesWhenCancelled_isNotKilled() throws {
        var story = Story()
        _ = story.meet(.signal(SIGTERM), Self.both)
        _ = try story.wait(Self.both)
        #expect(story.meet(.programEnded, Self.session) == [])
        #expect(story.meet(.sessionEnded, Self.nobody) == [.stop])
        #expect(story.life == .over)
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func aSecondSignal_killsWhateverIsLeft(_ signal: Int32) throws {
        var leaving = Story()
        _ = leaving.meet(.signal(SIGTERM), Self.both)
        _ = try leaving.wait(Self.both)
        for var story in [Self.draining(Self.both), leaving] {
            #expect(story.meet(.signal(signal), Self.both) == [.stop])
            #expect(story.life == .killed(by: signal))
            #expect(story.life.status == 128 + signal)
            #expect(story.life.due == nil)
        }
    }

    /// Whatever happens, in any order, with any counts.
    @Test(arguments: 0..<200)
    func anyStory_endsOnceAndNeverSpins(_ seed: UInt64) {
        var random = SplitMix(state: seed)
        var story = Story()
        story.patience = Life.Patience(
            drain: .nanoseconds(random.next() % 600_000_000), grace: .nanoseconds(7))
        var hasBegunToEnd = false
        for _ in 0..<60 {
            let before = story.life
            story.now = story.now + .nanoseconds(random.next() % 200_000_000)
            let counts = Counts(
                sessions: Int(random.next() % 3), programs: Int(random.next() % 2))
            let events: [Life.Event] = [
                .signal(SIGTERM), .endIsAsked, .onceIsOver, .sessionEnded, .programEnded, .time,
                .time, .time, .sessionEnded, .programEnded,
            ]
            let event = events[Int(random.next() % UInt64(events.count))]
            let orders = story.meet(event, counts)
            if event.ends { hasBegunToEnd = true }
            #expect(hasBegunToEnd == (story.life != .serving))
            #expect(orders.contains(.stopAccepting) == (before == .serving && event.ends))
            #expect(orders.contains(.stop) == (orders.last == .stop))
            let isOver =
                switch story.life {
                case .over, .killed: true
                case .serving, .draining, .leaving: false
                }
            #expect((story.life.due == nil) == (isOver || story.life == .serving))
            if orders.contains(.stop) { #expect(isOver) }
            if isOver, before != story.life { #expect(orders.last == .stop) }
            if hasBegunToEnd, counts == Self.nobody, event.isDeparture { #expect(isOver) }
            if event == .time, let due = story.life.due { #expect(due > story.now) }
        }
    }
}

extension Life.Event {
    fileprivate var isDeparture: Bool { self == .sessionEnded || self == .programEnded }
}
