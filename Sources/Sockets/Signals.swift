// Signals as events on a loop.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
public import System

/// Delivers signals on a loop, in place of their default action, as long as it lives. A signal that
/// is ignored stays ignored: the parent process asked for that, as nohup(1) does.
public final class Signals: EventSource {
    /// A signal that arrived.
    public struct Arrival: Equatable, Sendable {
        public let signal: Int32
        /// The process that sent it; 0 for the kernel, or a process that is not visible from here.
        public let sender: Int32
    }

    private let descriptor: Descriptor
    private let received: (Arrival) -> Void

    /// Blocks `signals`, except those that are ignored, in the calling thread and those that it starts
    /// later: to be called before any thread is started.
    public static func block(_ signals: [Int32]) {
        var set = Self.set(signals)
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Makes a write to a closed pipe or socket fail with `EPIPE`, and one to a file at its size
    /// limit (setrlimit(2)) with `EFBIG`, instead of ending the process.
    public static func ignoreFailedWrites() {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
    }

    /// Calls `received` with each of `signals`, which must be blocked, except those that are
    /// ignored.
    public init(
        _ signals: [Int32], loop: EventLoop, _ received: @escaping (Arrival) -> Void
    ) throws(StreamError) {
        var set = Self.set(signals)
        let number = unsafe signalfd(
            -1, &set, Int32(SFD_CLOEXEC) | Int32(SFD_NONBLOCK))
        guard number >= 0 else { throw StreamError("cannot watch signals", errno: errno) }
        descriptor = Descriptor(owning: number)
        self.received = received
        super.init(loop: loop)
        try loop.add(self, descriptor: number, events: .readable)
    }

    deinit { loop.remove(descriptor: descriptor.number) }

    override public func ready(_ events: Events) {
        var info = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        while unsafe Glibc.read(descriptor.number, &info, size) == size {
            received(
                Arrival(signal: Int32(info.ssi_signo), sender: Int32(bitPattern: info.ssi_pid)))
        }
    }

    /// Whether a signal is ignored.
    public static func isIgnored(_ signal: Int32) -> Bool { parley_is_ignored(signal) != 0 }

    private static func set(_ signals: [Int32]) -> sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        // A blocked signal is queued even where it is ignored (signal(7)), so the descriptor would
        // deliver it.
        for signal in signals where !isIgnored(signal) { unsafe sigaddset(&set, signal) }
        return set
    }
}
