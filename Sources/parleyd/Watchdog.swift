// Whether the server is alive, for its service manager.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Sockets
internal import System

/// Tells the service manager at regular intervals that the server is alive: that its main loop is turning, and that
/// every loop of the network process is turning and gets answers from the broker. If one isn't, nothing is said, and the
/// manager ends the server when its time is up. Confined to the main loop.
final class Watchdog {
    private let interval: Duration
    private let loop: EventLoop
    private let ask: (PulsePost) -> Void
    private let tell: () -> Void
    private var state = State.resting
    private var number: UInt64 = 0
    private var timer: Timer?

    private enum State: Equatable {
        /// The last pulse was answered.
        case resting
        /// The last pulse was not answered yet.
        case asked(UInt64)
    }

    /// - Parameters:
    ///   - limit: the time within which the manager must be told, from one time to the next.
    ///   - ask: sends a pulse to the network process.
    ///   - tell: tells the manager.
    init(
        limit: Duration, loop: EventLoop, ask: @escaping (PulsePost) -> Void,
        tell: @escaping () -> Void
    ) {
        // As sd_watchdog_enabled(3) advises.
        interval = limit / 2
        self.loop = loop
        self.ask = ask
        self.tell = tell
        pulse()
    }

    /// All loops have turned since that pulse.
    func answered(_ number: UInt64) {
        guard state == .asked(number) else { return }
        state = .resting
        tell()
    }

    private func pulse() {
        if state == .resting {
            number += 1
            state = .asked(number)
            ask(PulsePost(number: number))
        }
        timer = Timer(after: interval, on: loop) { [unowned self] in pulse() }
    }
}
