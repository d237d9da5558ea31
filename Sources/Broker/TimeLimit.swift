// How long a program may run.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import System

/// The table's `timeout`, counted in steps: a step during which the program could not continue
/// because its client does not read is not counted. Otherwise a pager that nobody pages through would
/// get its program killed. Whoever moves the program's bytes is asked about that, and a step without
/// an answer in time is counted. Confined to its loop.
final class TimeLimit {
    private let loop: EventLoop
    private let step: Duration
    private let ask: () -> Void
    private let ended: () -> Void
    private var left: Duration
    private var timer: Timer?
    /// When the step that was asked about began; nil if nothing was asked.
    private var asked: Moment?

    /// - Parameters:
    ///   - ask: asks whether the program is held up now; `answer` follows.
    ///   - ended: called once, unless the limit is released before.
    init(
        _ span: Duration, on loop: EventLoop, ask: @escaping () -> Void,
        ended: @escaping () -> Void
    ) {
        self.loop = loop
        self.ask = ask
        self.ended = ended
        left = span
        step = min(.seconds(1), max(span / 8, .milliseconds(10)))
        wait()
    }

    /// Whether the program was held up during the step that was asked about. An unasked answer means
    /// nothing.
    func answer(isHeldUp: Bool) {
        guard let start = asked.take() else { return }
        if !isHeldUp { left -= loop.now - start }
        if left > .zero { return wait() }
        timer = nil
        ended()
    }

    private func wait() {
        let start = loop.now
        timer = Timer(after: min(step, left), on: loop) { [unowned self] in
            asked = start
            timer = Timer(after: Self.patience, on: loop) { [unowned self] in
                answer(isHeldUp: false)
            }
            ask()
        }
    }

    /// How long the answer may take.
    private static let patience = Duration.seconds(1)
}
