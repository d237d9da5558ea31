// How long a program may run, with a reader that pauses.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Serving
@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct TimeLimitTests {
    @Test func timeThatIsHeldUp_isNotCounted() async throws {
        try await onLoop { loop in
            let isHeldUp = Shared(true)
            let ended = Bell()
            let started = loop.now
            let limit = TimeLimit(.seconds(0.2), on: loop, isHeldUp: { isHeldUp.value }) {
                ended.ring()
            }
            let pause = Bell()
            let timer = Timer(after: .seconds(0.5), on: loop) { pause.ring() }
            await pause.wait()
            isHeldUp.value = false
            await ended.wait()
            // A step that was under way may count as either.
            #expect(loop.now - started >= .milliseconds(650))
            withExtendedLifetime((limit, timer)) {}
        }
    }

    @Test func aLimitThatIsLetGo_endsNothing() async throws {
        try await onLoop { loop in
            var limit: TimeLimit? = TimeLimit(.seconds(0.01), on: loop, isHeldUp: { false }) {
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
