// Tells one task that something has changed.
// SPDX-License-Identifier: Apache-2.0

/// Wakes the one task that waits on it. A ring that comes before the wait is not lost, and several
/// are one. Confined to its loop.
public final class Bell {
    private var hasRung = false
    private var waiter: Waiter?

    /// One that has not rung.
    public init() {}

    /// Wakes the task that waits, or the next one that will.
    public func ring() {
        hasRung = true
        waiter.take()?.resume()
    }

    /// Waits for a ring. Cancellation does not end it: who cancels rings.
    public func wait() async {
        if !hasRung { await Waiter.wait { waiter = $0 } }
        hasRung = false
    }
}
