// Whether anybody may still write to a pipe that somebody else reads.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Sockets
internal import System

/// Learns when the last writer of a pipe has closed it, whatever waits in it to be read. It never reads,
/// so that the bytes go to whoever has the pipe's other copy. Confined to its loop.
final class PipeWatch: EventSource {
    private var copy: Descriptor?
    private let changed: () -> Void

    /// Nobody can write to it any more.
    var hasEnded: Bool { copy == nil }

    /// - Parameters:
    ///   - copy: of the pipe's reading end.
    ///   - changed: called on the loop, once.
    init(
        _ copy: consuming Descriptor, loop: EventLoop, _ changed: @escaping () -> Void
    ) throws(StreamError) {
        let number = copy.number
        self.copy = consume copy
        self.changed = changed
        super.init(loop: loop)
        try loop.add(self, descriptor: number, events: .hangingUp)
    }

    deinit { close() }

    override func ready(_ events: Events) {
        guard !hasEnded, events.contains(.hungUp) else { return }
        close()
        changed()
    }

    private func close() {
        guard let number = copy?.number else { return }
        loop.remove(descriptor: number)
        copy = nil
    }
}
