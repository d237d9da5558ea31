// A listening socket.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
public import System

/// A listening TCP socket that any number of loops share.
public final class Listener: Sendable {
    /// Where it is bound, with the port that the kernel chose if none was given.
    public let address: SocketAddress
    let descriptor: Descriptor

    /// Binds and listens. `::` serves IPv4 as well. `SO_REUSEADDR` lets a server restart at once; a
    /// second one on the same port still fails.
    ///
    /// - Parameters:
    ///   - address: where to listen.
    ///   - backlog: connections that may wait to be accepted; the kernel caps it at
    ///     `net.core.somaxconn`.
    /// - Throws: `addressInUse`, `addressUnavailable`.
    public init(_ address: SocketAddress, backlog: Int) throws(StreamError) {
        descriptor = try openSocket(address.domain)
        var on: Int32 = 1
        var off: Int32 = 0
        let size = socklen_t(MemoryLayout<Int32>.size)
        unsafe setsockopt(descriptor.number, SOL_SOCKET, SO_REUSEADDR, &on, size)
        if address.family == .ipv6 {
            unsafe setsockopt(descriptor.number, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &off, size)
        }
        let number = descriptor.number
        // The kernel hands them on to each connection that is accepted, so that nobody sets them again.
        setOptionsOfConnection(descriptor.number)
        guard unsafe address.withSockaddr({ unsafe bind(number, $0, $1) }) == 0,
            listen(number, Int32(clamping: backlog)) == 0
        else {
            // Before building the sentence, which may change it.
            let reason = errno
            throw StreamError("cannot listen on \(address)", errno: reason)
        }
        self.address = unsafe SocketAddress.ask { unsafe getsockname(number, $0, $1) } ?? address
    }

    /// Takes over a listening socket like those of `init(_:backlog:)`.
    ///
    /// - Throws: `system` if it has no address.
    public init(owning descriptor: consuming Descriptor) throws(StreamError) {
        let number = descriptor.number
        self.descriptor = descriptor
        guard let address = unsafe SocketAddress.ask({ unsafe getsockname(number, $0, $1) }) else {
            throw StreamError("cannot find out where a socket listens", errno: errno)
        }
        self.address = address
    }

    /// The socket's number, which remains owned here: for passing it to another process.
    package var number: Int32 { descriptor.number }
}

/// Sets what each of our TCP connections has.
func setOptionsOfConnection(_ number: Int32) {
    var on: Int32 = 1
    let size = socklen_t(MemoryLayout<Int32>.size)
    // Without it the last exchange of a handshake waits for a delayed acknowledgement.
    unsafe setsockopt(number, Int32(IPPROTO_TCP), TCP_NODELAY, &on, size)
    // A peer that is gone without a word is noticed even while neither side has anything to say.
    unsafe setsockopt(number, SOL_SOCKET, SO_KEEPALIVE, &on, size)
}

/// A fresh socket, non-blocking and close-on-exec.
func openSocket(_ domain: Int32) throws(StreamError) -> Descriptor {
    let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let number = socket(domain, type, 0)
    guard number >= 0 else { throw StreamError("cannot open a socket", errno: errno) }
    return Descriptor(owning: number)
}
