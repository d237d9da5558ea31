// The socket where systemd's journal accepts entries.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// Sends entries in the journal's native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL): each is a datagram or, if it is too
/// long for one, a sealed file in memory. Never waits. Used by one thread at a time.
package final class JournalSocket: Sendable {
    private let descriptor: Descriptor
    private let address: LocalAddress

    /// - Throws: if nobody accepts entries there.
    package init(_ path: String) throws(Errno) {
        guard let address = LocalAddress(Array(path.utf8)) else { throw Errno(ENAMETOOLONG) }
        self.address = address
        let kind = SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        descriptor = Descriptor(owning: socket(AF_UNIX, Int32(kind), 0))
        guard descriptor.number >= 0 else { throw .last }
        try connect()
    }

    /// Its number, to wait for room by poll(2): it is connected so that there is something to wait for.
    package var number: Int32 { descriptor.number }

    /// Sends one entry.
    ///
    /// - Throws: `EAGAIN` if there is no room now.
    package func send(_ entry: Span<UInt8>) throws(Errno) {
        do throws(Errno) {
            try sendOnce(entry)
        } catch {
            // The journal was restarted, with another socket of the same name.
            guard [ECONNREFUSED, ENOTCONN, ECONNRESET, EPIPE].contains(error.number) else {
                throw error
            }
            try connect()
            try sendOnce(entry)
        }
    }

    private func connect() throws(Errno) {
        guard address.connect(number) == 0 else { throw .last }
    }

    private func sendOnce(_ entry: Span<UInt8>) throws(Errno) {
        let count = unsafe entry.withUnsafeBufferPointer {
            unsafe Glibc.send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard count != entry.count else { return }
        guard count < 0, errno == EMSGSIZE else { throw .last }
        try sendFile(with: entry)
    }

    /// The journal accepts a file only if nobody can change it any more.
    private func sendFile(with entry: Span<UInt8>) throws(Errno) {
        let file = Descriptor(owning: unsafe parley_memory_file("journal-entry"))
        guard file.number >= 0 else { throw .last }
        var written = 0
        while written < entry.count {
            let count = unsafe entry.extracting(droppingFirst: written).withUnsafeBufferPointer {
                unsafe write(file.number, $0.baseAddress, $0.count)
            }
            guard count > 0 else { throw .last }
            written += count
        }
        guard parley_seal(file.number) == 0 else { throw .last }
        var sent = file.number
        let result = unsafe parley_send_packet(number, nil, 0, nil, 0, &sent, 1, 0)
        guard result == 0 else { throw Errno(-result) }
    }
}
