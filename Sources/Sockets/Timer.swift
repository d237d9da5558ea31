// A call at a later time.
// SPDX-License-Identifier: Apache-2.0

/// One call at a later time.
public final class Timer: EventSource {
    private let body: () -> Void

    /// Calls `body` once, unless the timer is released before.
    public init(after span: Duration, on loop: EventLoop, _ body: @escaping () -> Void) {
        self.body = body
        super.init(loop: loop)
        setDue(loop.now + span)
    }

    override public func expired() { body() }
}
