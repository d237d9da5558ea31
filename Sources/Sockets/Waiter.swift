// A suspended task that a loop resumes.
// SPDX-License-Identifier: Apache-2.0

/// A task that waits on its loop; resumed exactly once.
@safe
struct Waiter {
    private let continuation: UnsafeContinuation<Void, Never>

    func resume() { unsafe continuation.resume() }

    /// Suspends until `resume()` on what `register` was given. Checked continuations would
    /// allocate for each wait.
    static func wait(_ register: (Waiter) -> Void) async {
        unsafe await withUnsafeContinuation { continuation in
            unsafe register(Waiter(continuation: continuation))
        }
    }
}
