// What a call fails with, as tests compare it.
// SPDX-License-Identifier: Apache-2.0
// swift-format-ignore-file: AmbiguousTrailingClosureOverload

@testable import Sockets

/// An error with a code to branch on. Each test target says so of its own layer's.
protocol CodedError: Error {
    associatedtype Code: Equatable
    var code: Code { get }
}

extension StreamError: CodedError {}

/// The code of the failure that `body` throws; nil where it throws none.
///
/// A closure has to say what it throws, since the compiler doesn't infer it: so no failure of another
/// kind can pass for none.
func failureCode<Failure: CodedError, R>(
    _ body: () throws(Failure) -> R
) -> Failure.Code? {
    do throws(Failure) {
        _ = try body()
        return nil
    } catch {
        return error.code
    }
}

/// The same of a call that suspends, whose closure has to say that too.
func failureCode<Failure: CodedError, R>(
    _ body: () async throws(Failure) -> R
) async -> Failure.Code? {
    do throws(Failure) {
        _ = try await body()
        return nil
    } catch {
        return error.code
    }
}
