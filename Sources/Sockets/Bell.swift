// Tells one task that something has changed.
// SPDX-License-Identifier: Apache-2.0

/// Wakes the one task that waits on it. A ring before the wait is not lost, and several rings count
/// as one. Confined to its loop.
public final class Bell {
    private var hasRung = false
    private var waiter: Waiter?

    /// Creates a bell that has not rung.
    public init() {}

    /// Wakes the task that waits, or the next one that will.
    public func ring() {
        hasRung = true
        waiter.take()?.resume()
    }

    /// Waits for a ring. Cancellation does not end it: whoever cancels must ring.
    public func wait() async {
        if !hasRung { await Waiter.wait { waiter = $0 } }
        hasRung = false
    }
}
