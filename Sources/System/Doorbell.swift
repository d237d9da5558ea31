// Where a thread waits for another one, and for room in a descriptor.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// One thread waits here, and any thread can ring. A ring before the wait counts, and several count
/// as one.
package final class Doorbell: Sendable {
    private let descriptor: Descriptor

    /// - Throws: if no descriptor is available.
    package init() throws(Errno) {
        descriptor = Descriptor(owning: eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK)))
        guard descriptor.number >= 0 else { throw .last }
    }

    package func ring() {
        var one: UInt64 = 1
        unsafe write(descriptor.number, &one, 8)
    }

    /// Returns at a ring, when the descriptor can be written, or when the time has come; occasionally earlier.
    ///
    /// - Parameter number: the descriptor, if there is one.
    package func wait(orRoomIn number: Int32 = -1, until due: Moment = .never) {
        // Those below zero are ignored (poll(2)).
        var polls = [
            pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0),
            pollfd(fd: number, events: Int16(POLLOUT), revents: 0),
        ]
        var patience: Int32 = -1
        if due != .never {
            let left = (due - Moment.now).inNanoseconds
            patience = Int32(clamping: (left + 999_999) / 1_000_000)
        }
        _ = unsafe poll(&polls, nfds_t(polls.count), patience)
        guard polls[0].revents != 0 else { return }
        var count: UInt64 = 0
        unsafe read(descriptor.number, &count, 8)
    }
}
