// Whether anybody may still write to a pipe that somebody else reads.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Sockets
internal import System

/// Learns when the last writer of a pipe has closed it, even if there is still data in it. It never
/// reads, so the bytes go to whoever has the pipe's other copy. Confined to its loop.
final class PipeWatch: EventSource {
    private var copy: Descriptor?
    private var isWatched = false
    private let changed: () -> Void

    /// Nobody can write to it any more, as of the last look.
    var hasEnded: Bool { copy == nil }

    /// - Parameters:
    ///   - copy: a copy of the pipe's reading end.
    ///   - changed: called on the loop, once, after `look` or `watch`.
    init(_ copy: consuming Descriptor, loop: EventLoop, _ changed: @escaping () -> Void) {
        self.copy = consume copy
        self.changed = changed
        super.init(loop: loop)
    }

    deinit { close() }

    /// Finds out whether it has ended, and keeps watching it if it hasn't. If the system can't watch it, it has no end.
    func look() {
        guard let number = copy?.number, !isWatched else { return }
        var state = pollfd(fd: number, events: 0, revents: 0)
        if unsafe poll(&state, 1, 0) > 0 { return close() }
        try? watch()
    }

    /// Watches it, without a look before.
    func watch() throws(StreamError) {
        guard let number = copy?.number else { return }
        try loop.add(self, descriptor: number, events: .hangingUp)
        isWatched = true
    }

    override func ready(_ events: Events) {
        guard !hasEnded, events.contains(.hungUp) else { return }
        close()
        changed()
    }

    private func close() {
        guard let number = copy?.number else { return }
        if isWatched { loop.remove(descriptor: number) }
        copy = nil
    }
}
