// Datagrams between processes on one machine.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import System

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
        guard let address = LocalAddress(bytes) else {
            throw StreamError("cannot create the socket \(path)", errno: ENAMETOOLONG)
        }
        let mask = umask(0o177)
        let result = address.bind(number)
        let reason = errno
        umask(mask)
        guard result == 0 else {
            throw StreamError("cannot create the socket \(path)", errno: reason)
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
        guard descriptor.number >= 0, let address = LocalAddress(path) else { return false }
        return address.send(bytes, by: descriptor.number) == bytes.count
    }

    private static func open(blocking: Bool) -> Int32 {
        let flags = blocking ? 0 : SOCK_NONBLOCK.rawValue
        return socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | flags), 0)
    }
}
