// An event loop for a test, and real sockets on it.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import Testing

@testable internal import TLS

/// Runs `body` on an event loop with a thread of its own.
func onLoop<R: Sendable>(
    _ body: @escaping @Sendable (EventLoop) async throws -> R
) async throws -> R {
    let loop = try EventLoop()
    try loop.start()
    defer {
        loop.stop()
        // What OpenSSL keeps for the thread goes with it.
        loop.join()
    }
    let task = loop.spawn { () async -> Result<R, any Error> in
        do {
            return .success(try await body(loop))
        } catch {
            return .failure(error)
        }
    }
    return try await withTaskCancellationHandler {
        try await task.value.get()
    } onCancel: {
        task.cancel()
    }
}

/// Both ends of a TCP connection within this machine.
func connectedSockets(
    on loop: EventLoop, serverDeadlines: Deadlines = Deadlines()
) async throws -> (client: Socket, server: Socket) {
    let port = try Port(on: loop, deadlines: serverDeadlines)
    let client = try await port.connect()
    return (client, try await port.accepted())
}

/// A port of this machine's that the kernel chose. Confined to its loop.
final class Port: @unchecked Sendable {
    let number: UInt16
    let loop: EventLoop
    private let acceptor: Acceptor
    private let sockets: AsyncStream<Socket>

    init(on loop: EventLoop, deadlines: Deadlines = Deadlines()) throws {
        let address = try Endpoint(host: "127.0.0.1", port: 0).localAddresses()[0]
        let listener = try Listener(address, backlog: 10)
        let (sockets, arrived) = AsyncStream<Socket>.makeStream()
        self.loop = loop
        self.sockets = sockets
        number = listener.address.port
        acceptor = try Acceptor(listener, loop: loop) { _ in
        } accepted: { descriptor, peer in
            do {
                arrived.yield(
                    try Socket(
                        owning: descriptor, loop: loop, peer: peer, deadlines: deadlines))
            } catch {
                Issue.record(error)
            }
        }
    }

    /// The next connection that came in.
    func accepted() async throws -> Socket {
        for await socket in sockets { return socket }
        throw CancellationError()
    }

    func connect() async throws -> Socket {
        try await .connect(
            to: Endpoint(host: "127.0.0.1", port: number), within: 20, deadlines: Deadlines(),
            loop: loop)
    }
}

/// Two TLS ends over sockets.
struct SocketEnds: Sendable {
    let client: TLSStream
    let server: TLSStream

    /// Over a socket pair, or over the sockets that are given.
    init(
        on loop: EventLoop, client: TLSContext? = nil, server: TLSContext? = nil,
        over sockets: (Socket, Socket)? = nil, deadlines: Deadlines = Deadlines()
    ) throws {
        let (a, b) = try sockets ?? Socket.pair(loop, loop, deadlines: deadlines)
        self.client = try TLSStream(
            client: client ?? CertificateFixture.shared.client(),
            serverName: ServerName("localhost"), over: a)
        self.server = try TLSStream(server: server ?? CertificateFixture.shared.server(), over: b)
    }

    /// The handshake at both ends.
    func establish() async throws {
        async let accepting: Void = server.handshake()
        try await client.handshake()
        try await accepting
    }

    /// Two ends with the handshake done.
    static func established(
        on loop: EventLoop, deadlines: Deadlines = Deadlines()
    ) async throws -> SocketEnds {
        let ends = try SocketEnds(on: loop, deadlines: deadlines)
        try await ends.establish()
        return ends
    }
}

extension ByteStream {
    func write(_ text: String) async throws(StreamError) { try await write(Array(text.utf8)) }

    /// What one read returned; nil at the clean end.
    func readBytes() async throws(StreamError) -> [UInt8]? {
        try await read(upTo: 16_384) { bytes in bytes.indices.map { bytes[$0] } }
    }

    /// What one read returned, as text; nil at the clean end.
    func readText() async throws(StreamError) -> String? {
        try await readBytes().map { String(decoding: $0, as: UTF8.self) }
    }

    /// So many bytes, of whatever records.
    func read(_ count: Int) async throws(StreamError) -> [UInt8] {
        var all: [UInt8] = []
        while all.count < count, let bytes = try await readBytes() { all += bytes }
        return all
    }
}

/// The code of the stream's failure in `body`; nil where there is none.
func code<R>(_ body: () async throws -> R) async -> StreamError.Code? {
    do {
        _ = try await body()
        return nil
    } catch {
        return code(of: error)
    }
}
