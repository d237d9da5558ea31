// Runs a test's body on the thread of an event loop of its own, for a limited time.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import System
import Testing

@testable import Sockets

/// Runs `body` as a task of a fresh loop.
///
/// - Throws: what `body` throws, or `TookTooLong`; the loop is left to itself then, so that a test
///   fails even where its loop is stuck.
func onLoop<R: Sendable>(
    within limit: Duration = .seconds(20),
    _ body: @escaping @Sendable (EventLoop) async throws -> R
) async throws -> R {
    let loop = try EventLoop()
    let outcome = FirstOutcome<R>()
    try loop.start()
    loop.spawn {
        do {
            outcome.settle(.success(try await body(loop)))
        } catch {
            outcome.settle(.failure(error))
        }
        loop.stop()
    }
    let alarm = Task {
        try await Task.sleep(for: limit)
        outcome.settle(.failure(TookTooLong()))
    }
    defer { alarm.cancel() }
    let result = await outcome.value()
    if case .failure(is TookTooLong) = result { throw TookTooLong() }
    loop.join()
    return try result.get()
}

struct TookTooLong: Error {}

/// Makes a call on a thread of its own.
func onThread(_ body: @escaping @Sendable () -> Void) {
    do {
        pthread_detach(try startThread(body))
    } catch {
        Issue.record(error)
    }
}

/// Lets every task and event that is ready on the loop have its turn, a number of times.
func turns(_ count: Int) async {
    for _ in 0..<count { await Task.yield() }
}

/// The code of the failure that `body` throws; nil where it throws none.
func failureCode<R>(
    _ body: () async throws(StreamError) -> R
) async -> StreamError.Code? {
    do throws(StreamError) {
        _ = try await body()
        return nil
    } catch {
        return error.code
    }
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
