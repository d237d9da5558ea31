// Whether anybody may still write to a pipe.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import System

/// Learns when the last writer of a pipe has closed it, even if there is still data in it. It never reads: the bytes
/// are for whoever reads the end, or has a copy of it. Confined to its loop.
final class PipeWatch: EventSource {
    /// Nil once it has ended.
    private var end: PipeEnd?
    private var isWatched = false
    private let changed: () -> Void

    /// Nobody can write to it any more, as of the last look.
    var hasEnded: Bool { end == nil }

    /// - Parameter changed: called on the loop, once, after `look` or `watch`.
    init(_ end: PipeEnd, loop: EventLoop, _ changed: @escaping () -> Void) {
        self.end = end
        self.changed = changed
        super.init(loop: loop)
    }

    deinit { close() }

    /// Finds out whether it has ended, and keeps watching it if it hasn't. If the system can't watch it, it has no end.
    func look() {
        guard let end, !isWatched else { return }
        if end.look() { return close() }
        try? watch()
    }

    /// Watches it, without a look before.
    func watch() throws(StreamError) {
        guard let end else { return }
        try loop.add(self, descriptor: end.number, events: .hangingUp)
        isWatched = true
    }

    override func ready(_ events: Events) {
        guard !hasEnded, events.contains(.hungUp) else { return }
        close()
        changed()
    }

    private func close() {
        guard let end = end.take() else { return }
        if isWatched { loop.remove(descriptor: end.number) }
    }
}
