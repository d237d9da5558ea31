// Connections for the tests, and peers that do what Parley's own never would.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import System
import Testing

@testable import Sockets

/// Whether this machine has an IPv6 loopback.
let hasIPv6 = (try? Listener(localAddress("::1"), backlog: 1)) != nil

func localAddress(_ host: String, _ port: UInt16 = 0) throws(StreamError) -> SocketAddress {
    try Endpoint(host: host, port: port).localAddresses()[0]
}

extension Listener {
    /// At a port of the kernel's choice.
    static func local(_ host: String = "127.0.0.1", backlog: Int = 128) throws(StreamError)
        -> Listener
    {
        try Listener(localAddress(host), backlog: backlog)
    }

    var endpoint: Endpoint { Endpoint(host: address.host, port: address.port) }
}

/// What joins the two ends of a test.
enum Carrier: CaseIterable, Sendable {
    case pair, tcp

    func sockets(
        on loop: EventLoop, deadlines: Deadlines = Deadlines()
    ) async throws(StreamError) -> (Socket, Socket) {
        switch self {
        case .pair: return try Socket.pair(loop, loop, deadlines: deadlines)
        case .tcp:
            let listener = try Listener.local()
            let arrivals = try Arrivals(listener, loop: loop, deadlines: deadlines)
            let client = try await Socket.connect(
                to: listener.endpoint, within: .seconds(10), deadlines: deadlines, loop: loop)
            return (client, await arrivals.next())
        }
    }

    func streams(
        on loop: EventLoop, deadlines: Deadlines = Deadlines()
    ) async throws(StreamError) -> (PlainStream, PlainStream) {
        let (a, b) = try await sockets(on: loop, deadlines: deadlines)
        return (PlainStream(a), PlainStream(b))
    }
}

/// A stream whose peer has closed.
///
/// - Parameter isReset: whether with bytes unread, which makes it a reset.
func abandonedStream(
    _ carrier: Carrier, isReset: Bool, on loop: EventLoop
) async throws(StreamError) -> PlainStream {
    let (a, b) = try await carrier.streams(on: loop)
    if isReset { try await a.write(text: "unread") }
    withExtendedLifetime(b) {}
    return a
}

/// The connections that one loop accepts, in their order. Confined to its loop.
final class Arrivals {
    private(set) var acceptor: Acceptor!
    private var arrived: [Socket] = []
    private var waiting: CheckedContinuation<Socket, Never>?

    init(
        _ listener: Listener, loop: EventLoop, deadlines: Deadlines = Deadlines()
    ) throws(StreamError) {
        acceptor = try Acceptor(listener, loop: loop) { _ in
        } accepted: { [unowned self] descriptor, peer in
            do throws(StreamError) {
                let socket = try Socket(
                    owning: descriptor, loop: loop, peer: peer, deadlines: deadlines,
                    isAccepted: true)
                if let waiting {
                    self.waiting = nil
                    waiting.resume(returning: socket)
                } else {
                    arrived.append(socket)
                }
            } catch {
                Issue.record(error)
            }
        }
    }

    func next() async -> Socket {
        if !arrived.isEmpty { return arrived.removeFirst() }
        return await withCheckedContinuation { waiting = $0 }
    }
}

/// A blocking socket without anything of Parley's around it.
struct RawSocket: ~Copyable {
    private let descriptor: Descriptor

    /// - Parameter address: where it is bound; it does not listen, so that the port is taken and
    ///   refuses connections.
    init(boundTo address: SocketAddress) throws(StreamError) {
        descriptor = try Self.open(address) { number in
            unsafe address.withSockaddr { unsafe bind(number, $0, $1) }
        }
    }

    init(connectedTo address: SocketAddress) throws(StreamError) {
        descriptor = try Self.open(address) { number in
            unsafe address.withSockaddr { unsafe connect(number, $0, $1) }
        }
    }

    var endpoint: Endpoint {
        let number = descriptor.number
        let address = unsafe SocketAddress.ask { unsafe getsockname(number, $0, $1) }!
        return Endpoint(host: address.host, port: address.port)
    }

    func listen(backlog: Int32) throws(StreamError) {
        guard Glibc.listen(descriptor.number, backlog) == 0 else {
            throw StreamError("listen", errno: errno)
        }
    }

    func waitReadable() {
        var poll = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
        _ = unsafe Glibc.poll(&poll, 1, -1)
    }

    /// - Returns: what one receive returned, which is nothing at the end.
    func receive() -> String {
        var bytes = [UInt8](repeating: 0, count: 1_024)
        let count = unsafe recv(descriptor.number, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    /// Closes with a reset in place of an end.
    consuming func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(
            descriptor.number, SOL_SOCKET, SO_LINGER, &linger,
            socklen_t(MemoryLayout<linger>.size))
    }

    private static func open(
        _ address: SocketAddress, _ step: (Int32) -> Int32
    ) throws(StreamError) -> Descriptor {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = Descriptor(owning: socket(address.domain, type, 0))
        guard step(descriptor.number) == 0 else {
            throw StreamError("no raw socket at \(address)", errno: errno)
        }
        return descriptor
    }
}

/// A deadline that calls back.
final class Alarm: EventSource {
    private let call: (Alarm) -> Void

    init(loop: EventLoop, _ call: @escaping (Alarm) -> Void) {
        self.call = call
        super.init(loop: loop)
    }

    override func expired() { call(self) }

    func set(inMilliseconds milliseconds: UInt64) {
        setDue(loop.now + .milliseconds(milliseconds))
    }
}
