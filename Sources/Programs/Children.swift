// The children of this process: who reaps which.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import Synchronization
internal import System

/// Programs that are children of this process. Whoever reaps any child that has ended (as process 1 must) keeps their ends
/// for whom they concern. Safe on any thread.
enum Children {
    /// How those that were reaped have ended.
    private static let programs = Mutex<[Int32: ProgramEnd?]>([:])

    /// - Parameter begin: starts a program.
    static func start(_ begin: () -> parley_bare) -> parley_bare {
        unsafe programs.withLock { programs in
            let started = unsafe begin()
            if unsafe started.failure == 0 { unsafe programs[started.program] = .some(nil) }
            return unsafe started
        }
    }

    /// - Returns: how a program has ended; nil if it hasn't.
    static func reap(_ pid: Int32) -> ProgramEnd? {
        programs.withLock { programs in
            guard let known = programs[pid] else { return nil }
            if let known { return known }
            var (code, status): (Int32, Int32) = (0, 0)
            switch unsafe parley_reap(pid, &code, &status) {
            case 0: return nil
            case 1:
                let number = UInt8(truncatingIfNeeded: status)
                let end = Int(code) == CLD_EXITED ? ProgramEnd.status(number) : .signal(number)
                programs[pid] = .some(end)
                return end
            // Somebody else has reaped it; how it has ended nobody knows any more.
            default: return .signal(UInt8(SIGKILL))
            }
        }
    }

    /// A program is over.
    static func forget(_ pid: Int32) { programs.withLock { _ = $0.removeValue(forKey: pid) } }

    /// Reaps children that have ended, except keepers. Those after one that is spared are not found.
    static func reapOthers(sparing spared: Int32) {
        while true {
            let pid = parley_ended_child()
            guard pid > 0, pid != spared else { return }
            if reap(pid) == nil { waitpid(pid, nil, WNOHANG) }
        }
    }
}
