// The queue before what only one session can have.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Sockets

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

    @Test(arguments: [StreamTests.Canceller.onLoop, .onAnotherThread])
    func cancelledWait_ends_andCostsTheOthersNothing(
        canceller: StreamTests.Canceller
    ) async throws {
        try await onLoop { loop in
            let turnstile = Turnstile(loop: loop)
            try await turnstile.enter()
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
            let turnstile = Turnstile(loop: loop)
            try await turnstile.enter()
            let first = loop.spawn { await failureCode(turnstile.enter) }
            let second = loop.spawn { await failureCode(turnstile.enter) }
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
            let turnstile = Turnstile(loop: loop)
            try await turnstile.enter()
            let waiting = loop.spawn { await failureCode(turnstile.enter) }
            waiting.cancel()
            #expect(await waiting.value == .cancelled)
            turnstile.leave()
            try await turnstile.enter()
        }
    }
}
