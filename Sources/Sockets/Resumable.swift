// Work that a loop resumes.
// SPDX-License-Identifier: Apache-2.0

/// Work that the loop resumes.
package protocol Resumable: AnyObject {
    func resume()
}

/// A task that continues in the next turn.
final class Continuation: Resumable {
    private let waiter: Waiter
    init(_ waiter: Waiter) { self.waiter = waiter }
    func resume() { waiter.resume() }
}
