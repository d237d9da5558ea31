// Memory that a crowd of sessions leaves behind.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Sockets

/// A second after sessions have left, gives the pages that a crowd used back to the system: the
/// allocator keeps freed memory that does not lie at its end. Confined to its loop.
final class CrowdMemory {
    private let loop: EventLoop
    private let count: () -> Int
    /// The most sessions that were open, and those that ended, since memory was given back last.
    private var most = 0
    private var ended = 0
    private var timer: Timer?

    /// - Parameter count: how many sessions are open.
    init(loop: EventLoop, count: @escaping () -> Int) {
        self.loop = loop
        self.count = count
    }

    /// A session has ended, and is not counted any more.
    func sessionEnded() {
        most = max(most, count() + 1)
        ended += 1
        guard timer == nil, ended >= Self.crowd else { return }
        timer = Timer(after: .seconds(1), on: loop) { [unowned self] in
            timer = nil
            guard count() <= most / 2 else { return }
            most = count()
            ended = 0
            malloc_trim(0)
        }
    }

    /// So many sessions leave something worth giving back.
    private static let crowd = 32
}
