// Whether a service manager hears that the server is alive.
// SPDX-License-Identifier: Apache-2.0
import Broker
import Sockets
import System
import Testing

@testable import TestSupport
@testable import parleyd

@Suite(.timeLimit(.minutes(1)))
struct WatchdogTests {
    /// What a watchdog has asked for, and how often it has told. Confined to a loop.
    private final class Dog {
        var pulses: [UInt64] = []
        var tellings = 0
        var watchdog: Watchdog!

        init(_ limit: Duration, _ loop: EventLoop) {
            watchdog = Watchdog(
                limit: limit, loop: loop, ask: { [unowned self] in pulses.append($0.number) },
                tell: { [unowned self] in tellings += 1 })
        }
    }

    @Test func answers_areTold_andAskedForAgain() async throws {
        try await onLoop { loop in
            let dog = Dog(.milliseconds(2), loop)
            #expect(dog.pulses == [1] && dog.tellings == 0)
            dog.watchdog.answered(1)
            #expect(dog.tellings == 1)
            try await eventually("the next pulse") { dog.pulses == [1, 2] }
            dog.watchdog.answered(2)
            #expect(dog.tellings == 2)
        }
    }

    /// The manager ends a server of which one loop hangs.
    @Test func whereNobodyAnswers_nothingIsTold() async throws {
        try await onLoop { loop in
            let dog = Dog(.milliseconds(2), loop)
            // Another timer of the same loop: some rounds have passed.
            var rounds = 0
            while rounds < 5 {
                let bell = Bell()
                let timer = Timer(after: .milliseconds(2), on: loop) { bell.ring() }
                await bell.wait()
                withExtendedLifetime(timer) {}
                rounds += 1
            }
            #expect(dog.pulses == [1] && dog.tellings == 0)
            // One that comes late counts, and others than what was asked for don't.
            dog.watchdog.answered(2)
            dog.watchdog.answered(0)
            #expect(dog.tellings == 0)
            dog.watchdog.answered(1)
            dog.watchdog.answered(1)
            #expect(dog.tellings == 1)
        }
    }
}
