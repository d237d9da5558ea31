// Something that happens once and that a task waits for.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets

/// Set once, awaited by one task; confined to its loop.
final class Event {
    private let loop: EventLoop
    private var isSet = false
    private var waiting: CheckedContinuation<Void, Never>?

    init(loop: EventLoop) { self.loop = loop }

    func set() {
        isSet = true
        waiting.take()?.resume()
    }

    /// Waits until it is set or time is up; returns whether it is set.
    @discardableResult
    func wait(_ span: Duration) async -> Bool {
        if isSet { return true }
        let timer = Timer(after: span, on: loop) { self.waiting.take()?.resume() }
        await withCheckedContinuation { waiting = $0 }
        timer.clearDue()
        return isSet
    }
}
