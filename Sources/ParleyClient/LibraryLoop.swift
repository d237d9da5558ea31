// The thread that all sessions of a process share.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Sockets
internal import Synchronization
internal import System

/// The library's event loop. Its thread starts at first use and lives as long as the process.
enum LibraryLoop {
    private static let shared = Mutex<EventLoop?>(nil)

    /// - Throws: `descriptorsExhausted`, or `system` if no thread can be started; a later call tries again.
    static func running() throws(StreamError) -> EventLoop {
        try shared.withLock { (loop) throws(StreamError) in
            if let loop { return loop }
            let new = try EventLoop()
            do throws(Errno) {
                try startDetachedThread {
                    leaveSignalsToOthers()
                    new.run()
                }
            } catch {
                throw StreamError(noThread: error)
            }
            loop = new
            return new
        }
    }

    /// A signal to the process is for the program's own threads; one that a fault of this thread causes stays here.
    private static func leaveSignalsToOthers() {
        var signals = sigset_t()
        unsafe sigfillset(&signals)
        for signal in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS] {
            unsafe sigdelset(&signals, signal)
        }
        unsafe pthread_sigmask(SIG_SETMASK, &signals, nil)
    }
}
