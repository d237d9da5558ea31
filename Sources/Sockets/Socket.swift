// A connected TCP socket on a loop.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
public import System

/// A connected stream socket; its descriptor is closed when the last reference is gone.
public final class Socket: Channel, Resumable {
    private let descriptor: Descriptor
    /// How much was received in the loop's turn with that number.
    private var budgetTurn: UInt64 = 0
    private var budgetUsed = 0

    /// Takes over a connected descriptor, non-blocking and close-on-exec. To be called on the
    /// loop's thread.
    ///
    /// - Parameters:
    ///   - descriptor: of a connected stream socket.
    ///   - loop: the loop that it is confined to.
    ///   - peer: the other end's address, if it has one.
    ///   - deadlines: how long the peer may be silent.
    ///   - isAccepted: from a `Listener`, whose options it has.
    public init(
        owning descriptor: consuming Descriptor, loop: EventLoop, peer: SocketAddress?,
        deadlines: Deadlines, isAccepted: Bool = false
    ) throws(StreamError) {
        let number = descriptor.number
        self.descriptor = descriptor
        super.init(loop: loop, peer: peer, deadlines: deadlines)
        if !isAccepted { setOptionsOfConnection(number) }
        try loop.add(self, descriptor: number, events: .stream)
    }

    deinit {
        loop.remove(descriptor: descriptor.number)
    }

    override public func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard mayReceive() else { return Channel.wouldBlock }
        let count = unsafe recv(descriptor.number, buffer.baseAddress, buffer.count, 0)
        guard count > 0 else { return count == 0 ? 0 : -Int(errno) }
        note(count, of: buffer.count)
        unsafe noteReceived(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        return count
    }

    override public func receive(
        into first: UnsafeMutableRawBufferPointer, then second: UnsafeMutableRawBufferPointer
    ) -> Int {
        guard mayReceive() else { return Channel.wouldBlock }
        let more = min(second.count, max(0, loop.share - budgetUsed - first.count))
        var pieces = unsafe (
            iovec(iov_base: first.baseAddress, iov_len: first.count),
            iovec(iov_base: second.baseAddress, iov_len: more)
        )
        let count = unsafe withUnsafeBytes(of: &pieces) {
            unsafe readv(
                descriptor.number, $0.assumingMemoryBound(to: iovec.self).baseAddress, 2)
        }
        guard count > 0 else { return count == 0 ? 0 : -Int(errno) }
        note(count, of: first.count + more)
        noteReceived(count)
        return count
    }

    /// Whether there may be something to receive, and others need not have their turn first.
    private func mayReceive() -> Bool {
        if isDrained { return false }
        if budgetTurn != loop.turns {
            budgetTurn = loop.turns
            budgetUsed = 0
        }
        // A peer that always has more must not keep the others waiting, whatever reads it: OpenSSL
        // processes any number of post-handshake messages in one call.
        guard budgetUsed >= loop.share else { return true }
        if budgetUsed < Int.max {
            budgetUsed = .max
            loop.resumeNextTurn(self)
        }
        return false
    }

    private func note(_ count: Int, of room: Int) {
        budgetUsed += count
        // Short means empty, except for an end that follows the bytes: there are no more edges
        // then.
        if count < room && !hasHungUp { isDrained = true }
    }

    override public func send(_ bytes: UnsafeRawBufferPointer) -> Int {
        let count = unsafe Glibc.send(
            descriptor.number, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        guard count >= 0 else { return -Int(errno) }
        noteSent(count)
        return count
    }

    override public func shutdownWrite() {
        _ = shutdown(descriptor.number, Int32(SHUT_WR))
    }

    override public var unread: Int { Int(parley_readable(descriptor.number)) }

    override public func acknowledge() {
        var on: Int32 = 1
        unsafe setsockopt(
            descriptor.number, Int32(IPPROTO_TCP), TCP_QUICKACK, &on,
            socklen_t(MemoryLayout<Int32>.size))
    }

    package func resume() { ready(.readable) }

    override public func becameReady(ended: Bool) {
        isDrained = false
    }

    /// Two connected sockets in this process, for tests and for code that needs a wake-up by bytes.
    public static func pair(
        _ a: EventLoop, _ b: EventLoop, deadlines: Deadlines = Deadlines()
    ) throws(StreamError) -> (Socket, Socket) {
        var numbers: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        guard unsafe socketpair(AF_UNIX, type, 0, &numbers) == 0 else {
            throw StreamError("cannot create a socket pair", errno: errno)
        }
        let first = Descriptor(owning: numbers[0])
        let second = Descriptor(owning: numbers[1])
        return (
            try Socket(owning: first, loop: a, peer: nil, deadlines: deadlines),
            try Socket(owning: second, loop: b, peer: nil, deadlines: deadlines)
        )
    }
}
