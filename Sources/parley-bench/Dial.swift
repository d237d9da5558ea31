// Begins a connection to a server on the loopback interface, without the resolver and threads of
// `Socket.connect`.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Sockets
internal import System

/// A socket whose connection to 127.0.0.1 is in progress; the first write waits for it.
func dial(
    _ port: UInt16, number: Int, loop: EventLoop, deadlines: Deadlines
) throws(StreamError) -> Socket {
    let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = Descriptor(owning: socket(AF_INET, type, 0))
    guard descriptor.number >= 0 else { throw StreamError("cannot open a socket", errno: errno) }
    // Closed connections keep their ports for a minute: with one address the ports would run out.
    var on: Int32 = 1
    unsafe setsockopt(
        descriptor.number, Int32(IPPROTO_IP), bindAddressNoPort, &on,
        socklen_t(MemoryLayout<Int32>.size))
    let own = loopback(0x7f00_0101 + UInt32(number % 250), 0)
    let peer = loopback(0x7f00_0001, port)
    guard unsafe call(own, { unsafe bind(descriptor.number, $0, $1) }) == 0 else {
        throw StreamError("cannot bind a socket", errno: errno)
    }
    guard
        unsafe call(peer, { unsafe connect(descriptor.number, $0, $1) }) == 0
            || errno == EINPROGRESS
    else { throw StreamError("cannot connect", errno: errno) }
    return try Socket(owning: descriptor, loop: loop, peer: nil, deadlines: deadlines)
}

private func loopback(_ address: UInt32, _ port: UInt16) -> sockaddr_in {
    var result = sockaddr_in()
    result.sin_family = sa_family_t(AF_INET)
    result.sin_port = port.bigEndian
    result.sin_addr.s_addr = address.bigEndian
    return result
}

private func call(
    _ address: sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
) -> Int32 {
    unsafe withUnsafePointer(to: address) {
        unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
}

/// `IP_BIND_ADDRESS_NO_PORT`: the port is chosen at connect, when the peer is known.
private let bindAddressNoPort: Int32 = 24
