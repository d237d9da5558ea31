// Connecting: which address, how long, and why not.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import System
import Testing

@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct ConnectTests {
    @Test func connect_reachesTheListener() async throws {
        try await onLoop { loop in
            let listener = try Listener.local()
            let arrivals = try Arrivals(listener, loop: loop)
            let client = PlainStream(try await connect(listener.endpoint, on: loop))
            let server = PlainStream(await arrivals.next())
            #expect(client.channel.peer == listener.address)
            try await client.write(text: "x")
            #expect(try await server.readText() == "x")
        }
    }

    @Test func connect_isRefused_whereNobodyListens() async throws {
        try await onLoop { loop in
            // Bound, so that nobody else in the process listens there.
            let bound = try RawSocket(boundTo: localAddress("127.0.0.1"))
            let endpoint = bound.endpoint
            #expect(
                await failureCode { () async throws(StreamError) in
                    try await connect(endpoint, on: loop)
                }
                    == .refused)
            _ = consume bound
        }
    }

    @Test func connect_saysWhere_andKeepsTheReason() async throws {
        try await onLoop { loop in
            let bound = try RawSocket(boundTo: localAddress("127.0.0.1"))
            let endpoint = bound.endpoint
            do throws(StreamError) {
                _ = try await connect(endpoint, on: loop)
                Issue.record("somebody listens")
            } catch {
                #expect(
                    error.sentence
                        == "cannot connect to \(endpoint): Connection refused; start the server there, or check the port"
                )
                #expect(error.cause == .system(Errno(ECONNREFUSED)))
            }
            _ = consume bound
        }
    }

    @Test func connect_isUnknownHost_forANameThatCannotBe() async throws {
        try await onLoop { loop in
            let endpoint = Endpoint(host: String(repeating: "a", count: 64), port: 80)
            #expect(
                await failureCode { () async throws(StreamError) in
                    try await connect(endpoint, on: loop)
                }
                    == .unknownHost)
        }
    }

    @Test func connect_timesOut_whereNothingAnswers() async throws {
        try await onLoop { loop in
            let silent = try SilentListener()
            let started = loop.now
            let code = await failureCode { () async throws(StreamError) in
                try await connect(silent.endpoint, within: .seconds(0.2), on: loop)
            }
            #expect(code == .connectTimedOut)
            #expect(loop.now - started >= .milliseconds(200))
            #expect(loop.now - started < .seconds(5))
        }
    }

    @Test(arguments: Canceller.allCases)
    func connect_isCancelled_atOnce(canceller: Canceller) async throws {
        try await onLoop { loop in
            let silent = try SilentListener()
            let endpoint = silent.endpoint
            let connecting = loop.spawn {
                await failureCode { () async throws(StreamError) in
                    try await connect(endpoint, within: .seconds(1_000), on: loop)
                }
            }
            if canceller != .beforeStart { try await silent.isTried() }
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
    _ endpoint: Endpoint, within span: Duration = .seconds(10), on loop: EventLoop
) async throws(StreamError) -> Socket {
    try await Socket.connect(to: endpoint, within: span, deadlines: Deadlines(), loop: loop)
}

private final class Bound {
    private let socket: RawSocket
    init(_ address: SocketAddress) throws(StreamError) { socket = try RawSocket(boundTo: address) }
}
