// How long a program may run.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets

/// The table's `timeout`, in steps: one during which the program could not go on because its client
/// does not read is not counted. Otherwise a pager that nobody pages on would have its program ended.
/// Confined to its loop.
final class TimeLimit {
    private let loop: EventLoop
    private let step: Double
    private let isHeldUp: () -> Bool
    private let ended: () -> Void
    private var left: Double
    private var timer: Timer?

    /// Calls `ended` once, unless the limit is let go before.
    init(
        _ seconds: Double, on loop: EventLoop, isHeldUp: @escaping () -> Bool,
        ended: @escaping () -> Void
    ) {
        self.loop = loop
        self.isHeldUp = isHeldUp
        self.ended = ended
        left = seconds
        step = min(1, max(seconds / 8, 0.01))
        wait()
    }

    private func wait() {
        let span = min(step, left)
        let start = loop.now
        timer = Timer(after: span, on: loop) { [unowned self] in
            if !isHeldUp() { left -= Double(loop.now &- start) / 1e9 }
            if left > 0 { wait() } else { ended() }
        }
    }
}
