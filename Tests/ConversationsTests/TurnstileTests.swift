// The queue before what only one session can have.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Conversations
@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct TurnstileTests {
    @Test func turnstile_letsOneThroughAtATime_inTheirOrder() async throws {
        try await onLoop { loop in
            let turnstile = Turnstile(loop: loop)
            let inside = Shared(0)
            let order = Shared<[Int]>([])
            let tasks = (0..<10).map { number in
                loop.spawn {
                    _ = await failureCode(turnstile.enter)
                    inside.value += 1
                    #expect(inside.value == 1)
                    order.value.append(number)
                    await turns(3)
                    inside.value -= 1
                    turnstile.leave()
                }
            }
            for task in tasks { await task.value }
            #expect(order.value == Array(0..<10))
            // It is free again.
            try await turnstile.enter()
        }
    }

    @Test(arguments: [Canceller.onLoop, .onAnotherThread])
    func cancelledWait_ends_andCostsTheOthersNothing(
        canceller: Canceller
    ) async throws {
        try await onLoop { loop in
            let turnstile = try await taken(on: loop)
            let order = Shared<[Int]>([])
            let tasks = (0..<3).map { number in
                loop.spawn {
                    guard await failureCode(turnstile.enter) == nil else { return false }
                    order.value.append(number)
                    turnstile.leave()
                    return true
                }
            }
            await turns(5)
            if canceller == .onLoop {
                tasks[1].cancel()
            } else {
                onThread { tasks[1].cancel() }
            }
            // While somebody else has the turn.
            #expect(await tasks[1].value == false)
            #expect(order.value == [])
            turnstile.leave()
            #expect(await tasks[0].value)
            #expect(await tasks[2].value)
            #expect(order.value == [0, 2])
            try await turnstile.enter()
        }
    }

    @Test func turnOfAWaiterThatWasCancelledMeanwhile_isPassedOn() async throws {
        try await onLoop { loop in
            let turnstile = try await taken(on: loop)
            let first = waiter(at: turnstile, on: loop)
            let second = waiter(at: turnstile, on: loop)
            await turns(5)
            // The turn has come, and before the first one sees it, it is cancelled.
            turnstile.leave()
            first.cancel()
            #expect(await first.value == .cancelled)
            #expect(await second.value == nil)
            turnstile.leave()
            try await turnstile.enter()
        }
    }

    @Test func waiterThatWasCancelledBeforeItWaits_isNotWaitedFor() async throws {
        try await onLoop { loop in
            let turnstile = try await taken(on: loop)
            let waiting = waiter(at: turnstile, on: loop)
            waiting.cancel()
            #expect(await waiting.value == .cancelled)
            turnstile.leave()
            try await turnstile.enter()
        }
    }

    // MARK: With a peer that may leave

    @Test func enterWhilePeerIsThere_waitsForNobody_whereTheTurnIsFree() async throws {
        try await onLoop { loop in
            let turnstile = Turnstile(loop: loop)
            let (a, b) = try await Carrier.pair.streams(on: loop)
            try await turnstile.enter(while: a)
            // The stream is free again for its session.
            try await b.write("x")
            #expect(try await a.readText() == "x")
            turnstile.leave()
            try await turnstile.enter()
        }
    }

    @Test func whatThePeerSaysMeanwhile_isKeptForTheFirstRead() async throws {
        try await onLoop { loop in
            let turnstile = try await taken(on: loop)
            let (a, b) = try await Carrier.pair.streams(on: loop)
            let waiting = waiter(at: turnstile, while: a, on: loop)
            await turns(5)
            try await b.write("early")
            await turns(10)
            turnstile.leave()
            #expect(await waiting.value == nil)
            #expect(try await a.readText() == "early")
        }
    }

    @Test(arguments: [StreamError.Code.endedEarly, .reset])
    func peerThatLeaves_costsTheOthersNothing(code: StreamError.Code) async throws {
        try await onLoop { loop in
            let turnstile = try await taken(on: loop)
            var gone: PlainStream?
            let first: PlainStream
            (first, gone) = try await Carrier.pair.streams(on: loop)
            let second = try await Carrier.pair.streams(on: loop)
            let tasks = [first, second.0].map { waiter(at: turnstile, while: $0, on: loop) }
            await turns(10)
            if code == .reset {
                try await first.write("unread")
            } else {
                gone?.channel.shutdownWrite()
            }
            gone = nil
            // While somebody else has the turn.
            #expect(await tasks[0].value == code)
            turnstile.leave()
            #expect(await tasks[1].value == nil)
            turnstile.leave()
            try await turnstile.enter()
            withExtendedLifetime(second) {}
        }
    }

    @Test func cancelledWait_withAPeer_ends() async throws {
        try await onLoop { loop in
            let turnstile = try await taken(on: loop)
            let (a, b) = try await Carrier.pair.streams(on: loop)
            let waiting = waiter(at: turnstile, while: a, on: loop)
            await turns(10)
            waiting.cancel()
            #expect(await waiting.value == .cancelled)
            turnstile.leave()
            try await turnstile.enter()
            withExtendedLifetime(b) {}
        }
    }

    @Test(arguments: 0..<8, [true, false])
    func turnThatComesAsThePeerLeaves_isNotLost(turnsBetween: Int, turnFirst: Bool) async throws {
        try await onLoop { loop in
            let turnstile = try await taken(on: loop)
            let (a, b) = try await Carrier.pair.streams(on: loop)
            let waiting = waiter(at: turnstile, while: a, on: loop)
            await turns(10)
            if turnFirst { turnstile.leave() } else { b.channel.shutdownWrite() }
            await turns(turnsBetween)
            if turnFirst { b.channel.shutdownWrite() } else { turnstile.leave() }
            // Either may win; whoever has the turn passes it on.
            if await waiting.value == nil { turnstile.leave() }
            try await turnstile.enter()
        }
    }

    /// One where somebody has the turn.
    private func taken(on loop: EventLoop) async throws -> Turnstile {
        let turnstile = Turnstile(loop: loop)
        try await turnstile.enter()
        return turnstile
    }

    /// Waits for the turn, while a peer is there; nil once it has it, else why not.
    private func waiter(
        at turnstile: Turnstile, while stream: PlainStream? = nil, on loop: EventLoop
    ) -> Task<StreamError.Code?, Never> {
        loop.spawn {
            await failureCode { () async throws(StreamError) in
                if let stream {
                    try await turnstile.enter(while: stream)
                } else {
                    try await turnstile.enter()
                }
            }
        }
    }
}
