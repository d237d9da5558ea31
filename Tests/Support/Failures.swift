// What a call fails with, as tests compare it.
// SPDX-License-Identifier: Apache-2.0
// swift-format-ignore-file: AmbiguousTrailingClosureOverload

import System

/// The code of the failure that `body` throws; nil where it throws none.
///
/// A closure has to say what it throws, since the compiler doesn't infer it: so no failure of another
/// kind can pass for none.
func failureCode<Domain, R>(
    _ body: () throws(Fault<Domain>) -> R
) -> Fault<Domain>.Code? {
    do throws(Fault<Domain>) {
        _ = try body()
        return nil
    } catch {
        return error.code
    }
}

/// The same of a call that suspends, whose closure has to say that too.
func failureCode<Domain, R>(
    _ body: () async throws(Fault<Domain>) -> R
) async -> Fault<Domain>.Code? {
    do throws(Fault<Domain>) {
        _ = try await body()
        return nil
    } catch {
        return error.code
    }
}
