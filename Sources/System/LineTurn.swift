// Whose line it is, when two threads write to one place.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// Keeps the log and the trail apart if both go to standard error: a pipe accepts what is longer than PIPE_BUF in parts, and the other
/// one's line would come between them. Safe on any thread.
package final class LineTurn: Sendable {
    package enum Party: Sendable { case log, trail }

    /// Who has written part of a line.
    private let holder = Mutex<Party?>(nil)

    package init() {}

    /// Writes, unless the other one's line is incomplete.
    ///
    /// - Parameter write: a call that returns at once, with the number of bytes it has written, below zero with
    ///   `errno`, and whether these complete a line.
    /// - Returns: its result, with its `errno`; nil if it wasn't called and should be tried again a moment later.
    package func attempt(
        as party: Party, _ write: () -> (count: Int, endsLine: Bool)
    ) -> Int? {
        var reason: Int32 = 0
        let count = holder.withLock { holder -> Int? in
            guard holder == nil || holder == party else { return nil }
            let (count, endsLine) = write()
            reason = errno
            if count > 0 { holder = endsLine ? nil : party }
            return count
        }
        errno = reason
        return count
    }

    /// Whoever has begun a line can't continue it.
    package func giveUp(as party: Party) {
        holder.withLock { if $0 == party { $0 = nil } }
    }

    /// Between two attempts.
    package static let pause = Duration.milliseconds(20)
}
