// How long a program may run.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets

/// The table's `timeout`, in steps: one during which the program could not go on because its client
/// does not read is not counted. Otherwise a pager that nobody pages on would have its program ended.
/// Confined to its loop.
final class TimeLimit {
    private let loop: EventLoop
    private let step: Duration
    private let isHeldUp: () -> Bool
    private let ended: () -> Void
    private var left: Duration
    private var timer: Timer?

    /// Calls `ended` once, unless the limit is let go before.
    init(
        _ span: Duration, on loop: EventLoop, isHeldUp: @escaping () -> Bool,
        ended: @escaping () -> Void
    ) {
        self.loop = loop
        self.isHeldUp = isHeldUp
        self.ended = ended
        left = span
        step = min(.seconds(1), max(span / 8, .milliseconds(10)))
        wait()
    }

    private func wait() {
        let span = min(step, left)
        let start = loop.now
        timer = Timer(after: span, on: loop) { [unowned self] in
            if !isHeldUp() { left -= loop.now - start }
            if left > .zero { wait() } else { ended() }
        }
    }
}
