// What becomes of output that nobody takes yet, and of input that nobody wants any more.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ParleyClient
@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct EventConsoleTests {
    private static func next(_ console: EventConsole) async -> Result<CommandEvent, ParleyError> {
        await withCheckedContinuation { console.next($0) }
    }

    @Test func outputThatNobodyTakes_holdsTheServerUp() async throws {
        try await onLoop { loop in
            let console = EventConsole(loop: loop)
            console.begin(1, .none)
            let piece = [UInt8](repeating: 1, count: 40_000)
            console.write(output: piece.span)
            #expect(!console.isFull)
            console.write(errorOutput: piece.span)
            #expect(console.isFull)
            let drained = loop.spawn { await console.drained() }
            let events = [
                try await Self.next(console).get(), try await Self.next(console).get(),
            ]
            #expect(events == [.output(piece), .errorOutput(piece)])
            await drained.value
            #expect(!console.isFull)
        }
    }

    @Test func outputThatNobodyWillTake_holdsNothingUp() async throws {
        try await onLoop { loop in
            let console = EventConsole(loop: loop)
            console.begin(1, .none)
            console.write(output: [UInt8](repeating: 1, count: 100_000).span)
            let drained = loop.spawn { await console.drained() }
            console.discard()
            await drained.value
            console.write(output: [UInt8](repeating: 1, count: 100_000).span)
            #expect(!console.isFull)
        }
    }

    @Test func inputThatNobodyWants_letsItsSequenceGo() async throws {
        try await onLoop { loop in
            let (refused, ended) = (Milestone(), Milestone())
            let input = Input(
                kind: .pump { sink in
                    if await !sink.offer([1, 2, 3]) { refused.reach() }
                    ended.reach()
                })
            let queue = InputQueue(input, loop: loop)
            let first = try await queue.next(upTo: 2)
            #expect(first == [1, 2])
            // The rest of the piece is not used up, so that its sequence waits.
            queue.stop()
            await ended.reached()
            await refused.reached()
            let rest = try await queue.next(upTo: 2)
            #expect(rest == nil)
        }
    }
}
