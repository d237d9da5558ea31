// Connecting: which address, how long, and why not.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import Sockets

@Suite(.timeLimit(.minutes(1)))
struct ConnectTests {
    @Test func connect_reachesTheListener() async throws {
        try await onLoop { loop in
            let listener = try Listener.local()
            let arrivals = try Arrivals(listener, loop: loop)
            let client = PlainStream(try await connect(listener.endpoint, on: loop))
            let server = PlainStream(await arrivals.next())
            #expect(client.channel.peer == listener.address)
            try await client.write("x")
            #expect(try await server.readText() == "x")
        }
    }

    @Test func connect_isRefused_whereNobodyListens() async throws {
        try await onLoop { loop in
            // Bound, so that nobody else in the process listens there.
            let bound = try RawSocket(boundTo: localAddress("127.0.0.1"))
            let endpoint = bound.endpoint
            #expect(
                await failureCode { () throws(StreamError) in try await connect(endpoint, on: loop)
                }
                    == .refused)
            _ = consume bound
        }
    }

    @Test func connect_isUnknownHost_forANameThatCannotBe() async throws {
        try await onLoop { loop in
            let endpoint = Endpoint(host: String(repeating: "a", count: 64), port: 80)
            #expect(
                await failureCode { () throws(StreamError) in try await connect(endpoint, on: loop)
                }
                    == .unknownHost)
        }
    }

    @Test func connect_timesOut_whereNothingAnswers() async throws {
        try await onLoop { loop in
            let silent = try SilentListener()
            let started = loop.now
            let code = await failureCode { () throws(StreamError) in
                try await connect(silent.endpoint, within: 0.2, on: loop)
            }
            #expect(code == .connectTimedOut)
            #expect(loop.now - started >= 200_000_000)
            #expect(loop.now - started < 5_000_000_000)
        }
    }

    @Test(arguments: StreamTests.Canceller.allCases)
    func connect_isCancelled_atOnce(canceller: StreamTests.Canceller) async throws {
        try await onLoop { loop in
            let silent = try SilentListener()
            let endpoint = silent.endpoint
            let connecting = loop.spawn {
                await failureCode { () throws(StreamError) in
                    try await connect(endpoint, within: 1_000, on: loop)
                }
            }
            if canceller != .beforeStart { await silent.isTried() }
            if canceller == .onAnotherThread {
                onThread { connecting.cancel() }
            } else {
                connecting.cancel()
            }
            #expect(await connecting.value == .cancelled)
        }
    }

    @Test(
        .enabled(if: localhostHasBoth, "localhost is not both of 127.0.0.1 and ::1 here"),
        arguments: [("127.0.0.1", "::1"), ("::1", "127.0.0.1")])
    func connect_triesTheAddressesInTurn(listening: String, refusing: String) async throws {
        try await onLoop { loop in
            let (listener, bound) = try portOfBoth(listening: listening, refusing: refusing)
            let arrivals = try Arrivals(listener, loop: loop)
            let client = try await connect(
                Endpoint(host: "localhost", port: listener.address.port), on: loop)
            #expect(client.peer?.host == listening)
            _ = await arrivals.next()
            _ = bound
        }
    }

    @Test(.enabled(if: localhostHasBoth, "localhost is not both of 127.0.0.1 and ::1 here"))
    func cancelledConnect_triesNoFurtherAddress() async throws {
        try await onLoop { loop in
            let first = try #require(
                try Endpoint(host: "localhost", port: 0).localAddresses().first?.host)
            let second = first == "::1" ? "127.0.0.1" : "::1"
            let silent = try SilentListener(first)
            let bound = try Listener(localAddress(second, silent.endpoint.port), backlog: 8)
            let endpoint = Endpoint(host: "localhost", port: silent.endpoint.port)
            let arrived = Shared(0)
            let acceptor = try Acceptor(bound, loop: loop) { _ in
            } accepted: { _, _ in
                arrived.value += 1
            }
            let connecting = loop.spawn {
                await failureCode { () throws(StreamError) in
                    try await connect(endpoint, within: 1_000, on: loop)
                }
            }
            await silent.isTried()
            connecting.cancel()
            #expect(await connecting.value == .cancelled)
            await turns(20)
            #expect(arrived.value == 0)
            acceptor.stop()
        }
    }

    /// A listener at one loopback address, at whose port the other one refuses.
    private func portOfBoth(
        listening: String, refusing: String
    ) throws -> (Listener, Bound) {
        // The port that is free at one address may be taken at the other.
        for _ in 0..<20 {
            let listener = try Listener.local(listening)
            guard let bound = try? Bound(localAddress(refusing, listener.address.port)) else {
                continue
            }
            return (listener, bound)
        }
        throw StreamError(.addressInUse, "no port is free at both addresses")
    }
}

private let localhostHasBoth: Bool = {
    let addresses = try? Endpoint(host: "localhost", port: 0).localAddresses()
    return Set(addresses?.map(\.host) ?? []) == ["127.0.0.1", "::1"]
}()

private func connect(
    _ endpoint: Endpoint, within seconds: Double = 10, on loop: EventLoop
) async throws(StreamError) -> Socket {
    try await Socket.connect(to: endpoint, within: seconds, deadlines: Deadlines(), loop: loop)
}

private final class Bound {
    private let socket: RawSocket
    init(_ address: SocketAddress) throws(StreamError) { socket = try RawSocket(boundTo: address) }
}

/// A listener whose queue is full, so that the kernel drops what would connect.
private final class SilentListener {
    let endpoint: Endpoint
    private let listening: RawSocket
    private let filling: RawSocket

    init(_ host: String = "127.0.0.1") throws(StreamError) {
        listening = try RawSocket(boundTo: localAddress(host))
        try listening.listen(backlog: 0)
        endpoint = listening.endpoint
        // The queue takes one more than its backlog.
        filling = try RawSocket(connectedTo: localAddress(host, endpoint.port))
        listening.waitReadable()
    }

    /// Waits until somebody else tries to connect.
    func isTried() async {
        while attempts == 0 { await turns(1) }
    }

    /// The connects under way, by the kernel's table (proc(5), `/proc/net/tcp`).
    private var attempts: Int {
        let port = String(endpoint.port, radix: 16, uppercase: true)
        return ["/proc/net/tcp", "/proc/net/tcp6"].reduce(0) { sum, path in
            sum
                + contents(of: path).split(separator: "\n").count { line in
                    let fields = line.split(separator: " ")
                    return fields.count > 3 && fields[3] == "02"
                        && fields[2].drop { $0 != ":" }.drop { $0 == ":" || $0 == "0" } == port
                }
        }
    }
}
