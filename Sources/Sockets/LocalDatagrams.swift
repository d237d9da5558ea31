// Datagrams between processes on one machine.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// A datagram socket with a name in a folder (unix(7)), which is removed at the end. Confined to
/// one thread.
package final class LocalDatagrams {
    private let descriptor: Descriptor
    private let path: [UInt8]

    /// Creates the socket, to which only its owner may send.
    ///
    /// - Throws: `system` if that fails, for example because the name exists.
    package init(at path: String) throws(StreamError) {
        let bytes = Array(path.utf8)
        let number = Self.open(blocking: true)
        guard number >= 0 else { throw StreamError("cannot open a socket", errno: errno) }
        let descriptor = Descriptor(owning: number)
        guard
            let result = unsafe Self.withAddress(
                bytes,
                { address, length in
                    let mask = umask(0o177)
                    defer { umask(mask) }
                    return unsafe bind(number, address, length)
                })
        else { throw StreamError("cannot create the socket \(path)", errno: ENAMETOOLONG) }
        guard result == 0 else {
            throw StreamError("cannot create the socket \(path)", errno: errno)
        }
        self.descriptor = descriptor
        self.path = bytes
    }

    deinit { _ = unsafe unlink(String(decoding: path, as: UTF8.self)) }

    /// Its path.
    package var name: String { String(decoding: path, as: UTF8.self) }

    /// Its number, to wait for a datagram by poll(2).
    package var number: Int32 { descriptor.number }

    /// Receives one datagram, keeping at most `limit` bytes; nil if that fails.
    package func receive(limit: Int) -> [UInt8]? {
        var room = [UInt8](repeating: 0, count: limit)
        let count = unsafe room.withUnsafeMutableBytes {
            unsafe recv(descriptor.number, $0.baseAddress, $0.count, 0)
        }
        return count >= 0 ? Array(room.prefix(count)) : nil
    }

    /// Sends one datagram to the socket with that name; a name that begins with `@` is abstract. Never waits.
    ///
    /// - Returns: whether it was accepted.
    @discardableResult
    package static func send(_ bytes: [UInt8], to path: [UInt8]) -> Bool {
        let descriptor = Descriptor(owning: open(blocking: false))
        guard descriptor.number >= 0 else { return false }
        let number = descriptor.number
        let sent = unsafe withAddress(path) { address, length in
            unsafe bytes.withUnsafeBytes {
                unsafe sendto(
                    number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL), address, length)
            }
        }
        return sent == bytes.count
    }

    private static func open(blocking: Bool) -> Int32 {
        let flags = blocking ? 0 : SOCK_NONBLOCK.rawValue
        return socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | flags), 0)
    }

    /// - Returns: nil if the name is too long.
    private static func withAddress<R>(
        _ path: [UInt8], _ body: (UnsafePointer<sockaddr>, socklen_t) -> R
    ) -> R? {
        var address = sockaddr_un()
        let longest = MemoryLayout.size(ofValue: address.sun_path)
        guard !path.isEmpty, path.count < longest, !path.contains(0) else { return nil }
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { room in
            unsafe room.copyBytes(from: path)
            // An abstract name begins with a zero byte.
            if path[0] == UInt8(ascii: "@") { unsafe room[0] = 0 }
        }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size - longest + path.count)
        return unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, length) }
        }
    }
}
