// TLS over real sockets.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets

@testable internal import TLS
@testable internal import TestSupport

/// Both ends of a TCP connection within this machine.
func connectedSockets(
    on loop: EventLoop, serverDeadlines: Deadlines = Deadlines()
) async throws -> (client: Socket, server: Socket) {
    let port = try Port(on: loop, deadlines: serverDeadlines)
    let client = try await port.connect()
    return (client, await port.accepted())
}

/// A port of this machine's that the kernel chose. Confined to its loop.
final class Port {
    let number: UInt16
    let loop: EventLoop
    private let arrivals: Arrivals

    init(on loop: EventLoop, deadlines: Deadlines = Deadlines()) throws {
        let listener = try Listener.local(backlog: 10)
        self.loop = loop
        number = listener.address.port
        arrivals = try Arrivals(listener, loop: loop, deadlines: deadlines)
    }

    /// The next connection that came in.
    func accepted() async -> Socket { await arrivals.next() }

    func connect() async throws -> Socket {
        try await .connect(
            to: Endpoint(host: "127.0.0.1", port: number), within: .seconds(20),
            deadlines: Deadlines(),
            loop: loop)
    }
}

/// Two TLS ends over sockets.
struct SocketEnds {
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
        let accepting = server.channel.loop.meanwhile { try await server.handshake() }
        try await client.handshake()
        try await accepting.value
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
