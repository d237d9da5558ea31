// Both ends of a conversation in memory.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Sockets

/// How one half of a conversation ended.
enum HalfEnd<Success: Equatable & Sendable>: Equatable, Sendable {
    case success(Success)
    case failure(StreamError.Code)
}

/// Runs one half to its end and closes its sending half, as the programs do after it.
func half<Success: Equatable & Sendable>(
    _ stream: PlainStream, _ body: () async throws(StreamError) -> Success
) async -> HalfEnd<Success> {
    defer { stream.channel.shutdownWrite() }
    do throws(StreamError) {
        return .success(try await body())
    } catch {
        return .failure(error.code)
    }
}

/// A half that returns nothing.
func half(
    _ stream: PlainStream, _ body: () async throws(StreamError) -> Void
) async -> HalfEnd<Bool> {
    await half(stream) { () throws(StreamError) -> Bool in
        try await body()
        return true
    }
}

/// The streams of a pair of channels.
struct Ends {
    let client, server: PlainStream
    private let channels: (client: MemoryChannel, server: MemoryChannel)

    init(_ loop: EventLoop, capacity: Int = .max, peer: String? = nil) throws {
        let peer = try peer.map { host in
            try #require(try Endpoint(host: host, port: 36_782).localAddresses().first)
        }
        channels = MemoryChannel.pair(loop, capacity: capacity, peer: peer)
        client = PlainStream(channels.client)
        server = PlainStream(channels.server)
    }

    /// Both halves against each other, each to its end.
    func bothHalves(
        on loop: EventLoop,
        serve: @escaping (PlainStream) async throws(StreamError) -> Int,
        ask: (PlainStream) async throws(StreamError) -> Void
    ) async -> (served: HalfEnd<Int>, asked: HalfEnd<Bool>) {
        let server = server
        let serving = loop.spawn {
            await half(server) { () throws(StreamError) in try await serve(server) }
        }
        let asked = await half(client) { () throws(StreamError) in try await ask(client) }
        return (await serving.value, asked)
    }

    /// What each end sent, piece by piece.
    var clientWire: [String] { channels.client.sentTexts }
    var serverWire: [String] { channels.server.sentTexts }

    func resetFromServer() { channels.server.reset() }
}
