// Memory that many sessions leave behind.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Sockets

/// A second after sessions have left, returns the pages that a crowd used to the system: the
/// allocator keeps freed memory that is not at the end of the heap. Confined to its loop.
final class CrowdMemory {
    private let loop: EventLoop
    private let count: () -> Int
    /// The largest number of open sessions, and the number of sessions that ended, since memory was
    /// last returned.
    private var peak = 0
    private var ended = 0
    private var timer: Timer?

    /// - Parameter count: the number of open sessions.
    init(loop: EventLoop, count: @escaping () -> Int) {
        self.loop = loop
        self.count = count
    }

    /// A session has ended and is no longer counted.
    func sessionEnded() {
        peak = max(peak, count() + 1)
        ended += 1
        guard timer == nil, ended >= Self.crowd else { return }
        timer = Timer(after: .seconds(1), on: loop) { [unowned self] in
            timer = nil
            guard count() <= peak / 2 else { return }
            peak = count()
            ended = 0
            malloc_trim(0)
        }
    }

    /// The number of sessions that leave enough memory behind to be worth returning.
    private static let crowd = 32
}
