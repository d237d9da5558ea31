// What goes on at a loop's call.
// SPDX-License-Identifier: Apache-2.0

/// Work that goes on at the loop's call.
package protocol Resumable: AnyObject {
    func resume()
}

/// A task that goes on in the next turn.
final class Continuation: Resumable {
    private let waiter: Waiter
    init(_ waiter: Waiter) { self.waiter = waiter }
    func resume() { waiter.resume() }
}
