// A suspended task that a loop resumes.
// SPDX-License-Identifier: Apache-2.0

/// A task that waits on its loop; it must be resumed exactly once.
@safe
package struct Waiter {
    private let continuation: UnsafeContinuation<Void, Never>

    package func resume() { unsafe continuation.resume() }

    /// Suspends until `resume()` on what `register` was given. Checked continuations would
    /// allocate for each wait.
    package static func wait(_ register: (Waiter) -> Void) async {
        unsafe await withUnsafeContinuation { continuation in
            unsafe register(Waiter(continuation: continuation))
        }
    }
}
