// The name of a local socket, as the kernel expects it.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// Where a local socket is (unix(7)). Each call returns what the system's returns, with its `errno`.
package struct LocalAddress: Sendable {
    private let path: [UInt8]

    /// - Parameter path: a name that begins with `@` is an abstract one.
    /// - Returns: nil if the name is too long or empty.
    package init?(_ path: [UInt8]) {
        let longest = MemoryLayout.size(ofValue: sockaddr_un().sun_path)
        guard !path.isEmpty, path.count < longest, !path.contains(0) else { return nil }
        self.path = path
    }

    package func bind(_ socket: Int32) -> Int32 {
        unsafe withAddress { unsafe Glibc.bind(socket, $0, $1) }
    }

    package func connect(_ socket: Int32) -> Int32 {
        unsafe withAddress { unsafe Glibc.connect(socket, $0, $1) }
    }

    /// Sends one datagram there.
    package func send(_ bytes: [UInt8], by socket: Int32) -> Int {
        unsafe withAddress { address, length in
            unsafe bytes.withUnsafeBytes {
                unsafe sendto(
                    socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL), address, length)
            }
        }
    }

    private func withAddress<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { room in
            unsafe room.copyBytes(from: path)
            // An abstract name begins with a zero byte.
            if path[0] == UInt8(ascii: "@") { unsafe room[0] = 0 }
        }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size - room + path.count)
        return unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, length) }
        }
    }
}
