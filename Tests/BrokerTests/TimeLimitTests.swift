// How long a program may run, with a reader that pauses.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Broker
@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct TimeLimitTests {
    @Test func timeThatIsHeldUp_isNotCounted() async throws {
        try await onLoop { loop in
            let isHeldUp = Shared(true)
            let ended = Bell()
            let started = loop.now
            let asked = Bell()
            let limit = TimeLimit(.seconds(0.2), on: loop, ask: { asked.ring() }) { ended.ring() }
            let answering = loop.spawn {
                while !Task.isCancelled {
                    await asked.wait()
                    limit.answer(isHeldUp: isHeldUp.value)
                }
            }
            let pause = Bell()
            let timer = Timer(after: .seconds(0.5), on: loop) { pause.ring() }
            await pause.wait()
            isHeldUp.value = false
            await ended.wait()
            // A step that was under way may count as either.
            #expect(loop.now - started >= .milliseconds(650))
            answering.cancel()
            asked.ring()
            await answering.value
            withExtendedLifetime((limit, timer)) {}
        }
    }

    /// Whoever moves the program's bytes need not be believed, nor waited for.
    @Test func whatIsNotAnswered_isCounted() async throws {
        try await onLoop { loop in
            let ended = Bell()
            let limit = TimeLimit(.seconds(0.05), on: loop, ask: {}) { ended.ring() }
            // Unasked, it says nothing.
            for _ in 0..<10 { limit.answer(isHeldUp: true) }
            await ended.wait()
            withExtendedLifetime(limit) {}
        }
    }

    @Test func aLimitThatIsLetGo_endsNothing() async throws {
        try await onLoop { loop in
            var limit: TimeLimit? = TimeLimit(.seconds(0.01), on: loop, ask: {}) {
                Issue.record("it ended")
            }
            withExtendedLifetime(limit) {}
            limit = nil
            let later = Bell()
            let timer = Timer(after: .seconds(0.05), on: loop) { later.ring() }
            await later.wait()
            withExtendedLifetime(timer) {}
        }
    }
}
