// The two ends of a pipe, before they go to their owners.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
package import System

/// A pipe whose ends are close-on-exec; ends that are not taken close with it.
package final class Pipe {
    private var reader: Descriptor?
    private var writer: Descriptor?

    package init() throws(StreamError) {
        var ends: [Int32] = [-1, -1]
        guard unsafe parley_pipe(&ends) == 0 else {
            throw StreamError("cannot create a pipe", errno: errno)
        }
        reader = Descriptor(owning: ends[0])
        writer = Descriptor(owning: ends[1])
    }

    /// Lets a user open it by the names that a process has for its descriptors (proc(5)). Does nothing without the
    /// right to do so, or once both ends are taken.
    package func give(to user: UserNumbers) {
        guard let number = writer?.number ?? reader?.number else { return }
        _ = fchown(number, user.user, user.group)
    }

    /// Each at most once.
    package func takeReader() -> Descriptor { reader.take()! }
    package func takeWriter() -> Descriptor { writer.take()! }
}

/// Makes our end of a pipe non-blocking; the program's end is not affected.
package func unblock(_ descriptor: borrowing Descriptor) {
    _ = fcntl(descriptor.number, F_SETFL, O_NONBLOCK)
}

/// The size of a pipe that many bytes go through: with the usual 64 KiB, the two ends would take turns
/// more often than that takes to move. Other pipes stay as they are, since a user may have only so much
/// (pipe(7)); the system then refuses more, and a transfer takes a little longer.
struct PipeWidth {
    private var moved = 0
    private var isWide = false

    mutating func note(_ count: Int, through descriptor: Int32) {
        guard !isWide else { return }
        moved += count
        guard moved >= Self.transfer else { return }
        isWide = true
        parley_widen_pipe(descriptor, Self.wide)
    }

    /// So many bytes are a transfer.
    private static let transfer = 1 << 20
    private static let wide: Int32 = 1 << 18
}
