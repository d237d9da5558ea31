// Signals as events.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct SignalsTests {
    @Test func signal_isAnEvent_inPlaceOfItsAction() async {
        // A signal's action and mask are the process's and the thread's.
        await #expect(processExitsWith: .success) {
            // What a caller had the tests ignore would never arrive.
            signal(SIGUSR1, SIG_DFL)
            signal(SIGTERM, SIG_DFL)
            try await onLoop { loop in
                Signals.block([SIGUSR1, SIGTERM])
                let received = Shared<[Int32]>([])
                var signals: Signals?
                try await withCheckedThrowingContinuation { waiting in
                    do {
                        signals = try Signals([SIGUSR1, SIGTERM], loop: loop) { arrival in
                            received.value.append(arrival.signal)
                            #expect(arrival.sender == getpid())
                            if received.value.count == 2 { waiting.resume() }
                        }
                    } catch { return waiting.resume(throwing: error) }
                    // To this thread, since the others would take their default action.
                    _ = pthread_kill(pthread_self(), SIGTERM)
                    _ = pthread_kill(pthread_self(), SIGUSR1)
                }
                #expect(Set(received.value) == [SIGUSR1, SIGTERM])
                withExtendedLifetime(signals) {}
            }
        }
    }

    @Test func ignoredSignal_staysIgnored() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                // As nohup(1) starts a program.
                _ = signal(SIGUSR1, SIG_IGN)
                _ = signal(SIGTERM, SIG_DFL)
                Signals.block([SIGUSR1, SIGTERM])
                #expect(Signals.isIgnored(SIGUSR1))
                #expect(!Signals.isIgnored(SIGTERM))
                let received = Shared<[Int32]>([])
                var signals: Signals?
                try await withCheckedThrowingContinuation { waiting in
                    do {
                        signals = try Signals([SIGUSR1, SIGTERM], loop: loop) { arrival in
                            let signal = arrival.signal
                            received.value.append(signal)
                            if signal == SIGTERM { waiting.resume() }
                        }
                    } catch { return waiting.resume(throwing: error) }
                    // The lower number is taken first (signal(7)).
                    _ = pthread_kill(pthread_self(), SIGUSR1)
                    _ = pthread_kill(pthread_self(), SIGTERM)
                }
                #expect(received.value == [SIGTERM])
                withExtendedLifetime(signals) {}
            }
        }
    }

    @Test func brokenPipe_isAnError_whereItIsIgnored() async {
        await #expect(processExitsWith: .success) {
            Signals.ignoreFailedWrites()
            var numbers: [Int32] = [-1, -1]
            try #require(unsafe pipe(&numbers) == 0)
            _ = close(numbers[0])
            var byte: UInt8 = 0
            #expect(unsafe write(numbers[1], &byte, 1) == -1)
            #expect(errno == EPIPE)
        }
    }
}
