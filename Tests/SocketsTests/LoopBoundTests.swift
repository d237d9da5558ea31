// What is confined to a loop, opened on it and elsewhere.
// SPDX-License-Identifier: Apache-2.0
import System
import Testing

@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct LoopBoundTests {
    /// Something that the compiler lets nobody take to another thread.
    private final class Confined {
        var count = 0
    }

    @Test func value_isTheLoops() async throws {
        let count = try await onLoop { loop in
            let bound = LoopBound(Confined(), to: loop)
            bound.value.count += 1
            return bound.value.count
        }
        #expect(count == 1)
    }

    @Test func value_isAnybodys_whileNoThreadRunsTheLoop() throws {
        let bound = LoopBound(Confined(), to: try EventLoop())
        bound.value.count += 1
        #expect(bound.value.count == 1)
    }

    @Test func value_traps_onAnotherThread_whileTheLoopRuns() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            let loop = try EventLoop()
            let bound = LoopBound(Confined(), to: loop)
            try loop.start()
            // Where the loop's thread has certainly begun to run it.
            await withCheckedContinuation { begun in loop.execute { begun.resume() } }
            bound.value.count += 1
        }
        #expect(said(result, "touched off its loop"))
    }

    @Test func binding_traps_onAnotherThread_whileTheLoopRuns() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            let loop = try EventLoop()
            try loop.start()
            await withCheckedContinuation { begun in loop.execute { begun.resume() } }
            _ = LoopBound(Confined(), to: loop)
        }
        #expect(said(result, "bound to a loop by another thread"))
    }

    @Test func execute_opensItOnTheLoop_fromAnyThread() async throws {
        try await onLoop { loop in
            let bound = LoopBound(Confined(), to: loop)
            let wasHere = await withCheckedContinuation { told in
                onThread {
                    bound.execute { told.resume(returning: $0.count == 0 && loop.isCurrent) }
                }
            }
            #expect(wasHere)
        }
    }

    @Test func spawn_traps_onAnotherThread_whileTheLoopRuns() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            let loop = try EventLoop()
            try loop.start()
            await withCheckedContinuation { begun in loop.execute { begun.resume() } }
            loop.spawn {}
        }
        #expect(said(result, "bound to a loop by another thread"))
    }

    private func said(_ result: ExitTest.Result?, _ sentence: String) -> Bool {
        String(decoding: result?.standardErrorContent ?? [], as: UTF8.self).contains(sentence)
    }
}
