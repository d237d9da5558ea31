// Sends and receives single packets (unix(7), SOCK_SEQPACKET).
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
package import Sockets
internal import System

/// The two ends of a channel between two processes, or two threads of one; an end that nobody takes is
/// closed with it.
package struct PacketPair: ~Copyable {
    private var one: Descriptor?
    private var other: Descriptor?

    /// Creates a channel whose ends are close-on-exec. They block: a caller that must not wait says so with
    /// each call, because blocking is a property of the open file, which is shared with whoever inherits the
    /// end.
    ///
    /// - Throws: `descriptorsExhausted`; `system`, also if an ordinary user's send buffer is too small for a
    ///   packet.
    package init() throws(StreamError) {
        var numbers: [Int32] = [-1, -1]
        let type = Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue)
        guard unsafe socketpair(AF_UNIX, type, 0, &numbers) == 0 else {
            throw StreamError("cannot create a channel to another process", errno: errno)
        }
        one = Descriptor(owning: numbers[0])
        other = Descriptor(owning: numbers[1])
        for number in numbers { try enlarge(number) }
    }

    /// Each at most once.
    package mutating func takeOne() -> Descriptor { one.take()! }
    package mutating func takeOther() -> Descriptor { other.take()! }
}

/// Makes room for a whole packet. The kernel doubles the size it is asked for, and uses less if
/// net.core.wmem_max is lower.
private func enlarge(_ socket: Int32) throws(StreamError) {
    var size = 2 * Int32(Piece.maxBytes)
    var length = socklen_t(MemoryLayout<Int32>.size)
    guard unsafe setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &size, length) == 0,
        unsafe getsockopt(socket, SOL_SOCKET, SO_SNDBUF, &size, &length) == 0
    else { throw StreamError("cannot set a channel's send buffer", errno: errno) }
    guard size >= Piece.maxBytes + 1_024 else {
        throw StreamError(
            "cannot create a channel to another process: net.core.wmem_max must be at least 33792, so that a packet fits its send buffer",
            errno: EMSGSIZE)
    }
}

/// - Returns: 0; or an `errno`, after which nothing was sent.
func sendPacket(
    to socket: Int32, _ head: UInt64, _ body: Span<UInt8>, _ descriptors: borrowing Descriptors,
    waits: Bool
) -> Int32 {
    unsafe withUnsafeBytes(of: head) { head in
        unsafe body.withUnsafeBufferPointer { body in
            descriptors.withNumbers { numbers in
                -(unsafe parley_send_packet(
                    socket, head.baseAddress, head.count, body.baseAddress, body.count, numbers,
                    Int32(numbers.count), waits ? 1 : 0))
            }
        }
    }
}

/// Receives a packet into `room`.
///
/// - Parameter descriptors: receives those that came, or the fact that they are lost because this process can't
///   have more.
/// - Returns: its length; 0 if the other end was closed, which an empty packet counts as too; nil if there is
///   none now, or the socket's timeout has passed.
/// - Throws: `tooLarge`, `descriptors`, `system`. What came is lost, and its descriptors are
///   closed.
func receivePacket(
    from socket: Int32, into room: inout [UInt8], _ descriptors: inout Descriptors, waits: Bool
) throws(PacketError) -> Int? {
    // Not an array: almost no packet brings any.
    let result = unsafe withUnsafeTemporaryAllocation(
        of: Int32.self, capacity: Descriptors.limit
    ) { numbers in
        var count: Int32 = 0
        func receive() -> Int {
            unsafe parley_receive_packet(
                socket, &room, room.count, numbers.baseAddress, &count, waits ? 1 : 0)
        }
        var result = receive()
        // The other end was closed before it had read everything it was sent. That is reported once, and before
        // what it has sent itself, which can still be read.
        if result == -Int(ECONNRESET) { result = receive() }
        switch count {
        case ..<0: descriptors = .lost()
        case 0: descriptors = Descriptors()
        default: descriptors = unsafe Descriptors(owning: numbers.prefix(Int(count)))
        }
        return result
    }
    switch Int32(truncatingIfNeeded: -result) {
    case ...0: return result
    case EAGAIN: return nil
    case ECONNRESET: return 0
    case EMSGSIZE:
        throw PacketError(
            .tooLarge, "the other process sent a packet of more than \(room.count) bytes")
    case EPROTO:
        throw PacketError(
            .descriptors,
            "the other process sent more than \(Descriptors.limit) descriptors with a packet, or other control messages"
        )
    case let number: throw PacketError("cannot receive from the other process", errno: number)
    }
}
