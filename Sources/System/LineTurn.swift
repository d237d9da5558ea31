// Whose line it is, where two threads write to one place.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// Keeps the log and the trail apart where both go to standard error: a pipe takes what is longer than PIPE_BUF in parts, and the other
/// one's line would come between them. From any thread.
package final class LineTurn: Sendable {
    package enum Party: Sendable { case log, trail }

    /// Who has written a part of a line.
    private let holder = Mutex<Party?>(nil)

    package init() {}

    /// Writes, unless the other one's line is not complete.
    ///
    /// - Parameter write: a call that returns at once, with how many bytes it has written, below zero with `errno`, and
    ///   whether these end a line.
    /// - Returns: what it has returned, with its `errno`; nil where it wasn't called, and is to be tried again a moment
    ///   later.
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

    /// Who has begun a line can't go on with it.
    package func giveUp(as party: Party) {
        holder.withLock { if $0 == party { $0 = nil } }
    }

    /// Between two attempts.
    package static let pause = Duration.milliseconds(20)
}
