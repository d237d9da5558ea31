// What a loop's sessions have room for.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets

/// The sessions of a loop that have something to ask while the broker has not heard the others yet. Confined
/// to its loop.
final class Room {
    private var waiting: [Waiter] = []
    /// Whether this process has no free descriptor, as far as it knows.
    var isShort: () -> Bool = { false }

    /// Makes everybody check again.
    func open() {
        var waiting: [Waiter] = []
        swap(&waiting, &self.waiting)
        for waiter in waiting { waiter.resume() }
    }

    /// Waits for `open`.
    func wait() async { await Waiter.wait { waiting.append($0) } }
}
