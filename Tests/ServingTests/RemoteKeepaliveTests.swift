// Pings and pongs of parley/1 at both ends.
// SPDX-License-Identifier: Apache-2.0
import System
import Testing

@testable import Remote
@testable import Serving
@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct RemoteKeepaliveTests {
    @Test func aSessionWithoutACommand_isAskedAbout_andAnswers() async throws {
        try await onLoop { loop in
            var deadlines = Deadlines()
            deadlines.keepalive = .seconds(0.02)
            let (near, far) = MemoryChannel.pair(loop, deadlines: deadlines)
            let client = RemoteClient(PlainStream(near), console: NoConsole())
            let server = RemoteServer(PlainStream(far), host: try OpenHost("", loop: loop))
            let serving = loop.spawn { try? await server.serve() }
            let idling = loop.spawn { try? await client.untilEnded() }
            // Either may be the first that asks; each hears the other.
            for kind in [Parley1.Kind.ping, .pong] {
                try await eventually("three \(kind.name)s") {
                    near.frames(kind) + far.frames(kind) >= 3
                }
            }
            idling.cancel()
            await idling.value
            try client.send(["whoami"])
            #expect(try await client.answer() == .ended(.status(0)))
            await client.finish()
            near.shutdownWrite()
            await serving.value
        }
    }

    @Test func aServersEndBetweenCommands_isNoticed() async throws {
        try await onLoop { loop in
            let (near, far) = MemoryChannel.pair(loop)
            let client = RemoteClient(PlainStream(near), console: NoConsole())
            let idling = loop.spawn {
                await failureCode { () async throws(StreamError) in try await client.untilEnded() }
            }
            await turns(5)
            far.shutdownWrite()
            #expect(await idling.value == nil)
            await client.finish()
        }
    }

    @Test func aFrameWithoutACommand_isMalformed() async throws {
        try await onLoop { loop in
            let (near, far) = MemoryChannel.pair(loop)
            let client = RemoteClient(PlainStream(near), console: NoConsole())
            try await PlainStream(far).write(Parley1.frame(.output, [0x78]))
            #expect(
                await failureCode { () async throws(StreamError) in try await client.untilEnded() }
                    == .malformed)
            await client.finish()
        }
    }

    @Test func pongs_areBounded_whileNothingCanBeSent() async throws {
        Signals.ignoreFailedWrites()
        try await onLoop { loop in
            let (near, far) = MemoryChannel.pair(loop, capacity: 1_000)
            let host = try OpenHost("yes: { run: ['/usr/bin/yes'], allow: ['anyone'] }", loop: loop)
            let server = RemoteServer(PlainStream(far), host: host)
            let serving = loop.spawn { try? await server.serve() }
            let client = PlainStream(near)
            try await client.write(Parley1.run("yes"))
            // Nobody reads, so that the server's output comes to a stop and its pongs wait.
            let pings = 20_000
            for _ in 0..<(pings / 100) {
                try await client.write((0..<100).flatMap { _ in Parley1.frame(.ping) })
            }
            try await client.write(Parley1.frame(.cancel))
            var frames = Parley1.Frames(client)
            var pongs = 0
            while true {
                let kind = try await frames.next().kind
                if kind == .exit { break }
                if kind == .pong { pongs += 1 }
            }
            // 4,096 bytes of them may wait, and some went out before the output came to a stop.
            #expect((1...3_000).contains(pongs), "\(pongs)")
            near.shutdownWrite()
            await serving.value
        }
    }
}

/// For sessions without output and input.
private final class NoConsole: RemoteConsole {
    var isFull: Bool { false }
    func drained() async {}
    func write(output bytes: Span<UInt8>) {}
    func write(errorOutput bytes: Span<UInt8>) {}
    func input(upTo count: Int) async throws(StreamError) -> [UInt8]? { nil }
}

extension MemoryChannel {
    /// How many frames of a type without a payload this end has sent, each by itself.
    fileprivate func frames(_ kind: Parley1.Kind) -> Int {
        outgoing.sends.count { $0 == Parley1.frame(kind) }
    }
}
