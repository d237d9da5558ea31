// Runs a test's body on the thread of an event loop of its own, for a limited time.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import System
import Testing

@testable import Sockets

/// Runs `body` as a task of a fresh loop.
///
/// - Parameter limit: less than the minute of most suites, at whose end nothing would be said of what
///   hangs.
/// - Throws: what `body` throws, or `TookTooLong`; the loop is left to itself then, so that a test
///   fails even where its loop is stuck.
func onLoop<R: Sendable>(
    within limit: Duration = .seconds(50),
    _ body: @escaping @Sendable (EventLoop) async throws -> R
) async throws -> R {
    let loop = try EventLoop()
    let outcome = FirstOutcome<R>()
    // While no thread runs it, since it's this one that binds what is spawned to it.
    loop.spawn {
        do {
            outcome.settle(.success(try await body(loop)))
        } catch {
            outcome.settle(.failure(error))
        }
        loop.stop()
    }
    try loop.start()
    let alarm = Task {
        try await Task.sleep(for: limit)
        outcome.settle(.failure(TookTooLong()))
    }
    defer { alarm.cancel() }
    let result = await outcome.value()
    if case .failure(is TookTooLong) = result { throw TookTooLong() }
    // What OpenSSL keeps for the thread goes with it.
    loop.join()
    return try result.get()
}

extension EventLoop {
    /// What `async let` is, for what is confined to this loop: goes on beside the caller.
    func meanwhile<R: Sendable>(_ body: @escaping () async throws -> R) -> Task<R, any Error> {
        let bound = LoopBound(body, to: self)
        return Task(executorPreference: self) { try await bound.value() }
    }
}

extension LoopBound {
    /// Calls on the loop, and waits for it on the caller's.
    func reach<R: Sendable>(_ body: @escaping @Sendable (Value) async -> R) async -> R {
        await Task(executorPreference: loop) { await body(value) }.value
    }
}

struct TookTooLong: Error {}

/// What a test waited for, and did not come.
struct DidNotHappen: Error {
    let what: String
}

/// Makes a call on a thread of its own.
func onThread(_ body: @escaping @Sendable () -> Void) {
    do {
        pthread_detach(try startThread(body))
    } catch {
        Issue.record(error)
    }
}

/// Gives the loop's other tasks and events their turns until `condition` holds.
///
/// - Parameters:
///   - what: what is waited for, as a failure has it.
///   - pause: between two looks; nil to look at each turn.
/// - Throws: `DidNotHappen` where it doesn't hold within `limit`.
func eventually(
    _ what: String, within limit: Duration = .seconds(20), every pause: Duration? = nil,
    _ condition: () throws -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    while try !condition() {
        guard ContinuousClock.now < end else { throw DidNotHappen(what: what) }
        if let pause { try await Task.sleep(for: pause) } else { await Task.yield() }
    }
}

/// Lets every task and event that is ready on the loop have its turn, a number of times.
func turns(_ count: Int) async {
    for _ in 0..<count { await Task.yield() }
}

/// Who cancels a task, and when.
enum Canceller: CaseIterable, Sendable { case beforeStart, onLoop, onAnotherThread }

/// A value that the tasks of one loop share.
final class Shared<Value>: @unchecked Sendable {
    var value: Value
    init(_ value: Value) { self.value = value }
}

private final class FirstOutcome<R: Sendable>: Sendable {
    private enum State {
        case pending(CheckedContinuation<Result<R, any Error>, Never>?)
        case settled(Result<R, any Error>)
    }
    private let state = Mutex<State>(.pending(nil))

    func settle(_ result: Result<R, any Error>) {
        let waiting: CheckedContinuation<Result<R, any Error>, Never>? = state.withLock { state in
            guard case .pending(let waiting) = state else { return nil }
            state = .settled(result)
            return waiting
        }
        waiting?.resume(returning: result)
    }

    func value() async -> Result<R, any Error> {
        await withCheckedContinuation { waiting in
            let settled: Result<R, any Error>? = state.withLock { state in
                if case .settled(let result) = state { return result }
                state = .pending(waiting)
                return nil
            }
            if let settled { waiting.resume(returning: settled) }
        }
    }
}
