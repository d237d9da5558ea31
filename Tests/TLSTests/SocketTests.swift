// TLS over real sockets on a running loop: waits, deadlines, ends.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Sockets
internal import System
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct SocketTests {
    let certificates: CertificateFixture

    init() throws { certificates = try .shared }

    @Test func messages_areReadOneByOne() async throws {
        try await onLoop { loop in
            let ends = try await SocketEnds.established(on: loop)
            for text in ["one", "two", "three"] { try await ends.client.write(text: text) }
            for text in ["one", "two", "three"] {
                #expect(try await ends.server.readText() == text)
            }
            await closeBoth(ends)
        }
    }

    @Test func untilReadable_leavesTheRecordWhereItIs() async throws {
        try await onLoop { loop in
            let ends = try await SocketEnds.established(on: loop)
            try await ends.client.write(text: "one")
            try await ends.client.write(text: "two")
            #expect(try await ends.server.untilReadable())
            #expect(try await ends.server.untilReadable())
            #expect(try await ends.server.readText() == "one")
            #expect(try await ends.server.readText() == "two")
            let closing = loop.spawn { await ends.client.close() }
            #expect(try await !ends.server.untilReadable())
            await ends.server.close()
            #expect(await closing.value == nil)
        }
    }

    // MARK: Reading and writing at once

    @Test(arguments: Role.allCases)
    func waitingReader_doesNotStopTheWriter(_ role: Role) async throws {
        try await onLoop { loop in
            let ends = try await SocketEnds.established(on: loop)
            let (busy, other) =
                role == .client ? (ends.client, ends.server) : (ends.server, ends.client)
            let bytes = pattern(0..<1 << 20)
            let waiting = loop.meanwhile { try await busy.readText() }
            let arrived = loop.meanwhile { try await other.read(bytes.count) }
            try await busy.write(bytes)
            #expect(try await arrived.value == bytes)
            try await other.write(text: "now you")
            #expect(try await waiting.value == "now you")
            await closeBoth(ends)
        }
    }

    @Test func bothEnds_writeMoreThanFits_whileTheyRead() async throws {
        try await onLoop { loop in
            let ends = try await SocketEnds.established(on: loop)
            let (up, down) = (pattern(0..<1_000_000), pattern(0..<1_500_000))
            let a = loop.meanwhile { try await ends.client.write(up) }
            let b = loop.meanwhile { try await ends.server.write(down) }
            let c = loop.meanwhile { try await ends.client.read(down.count) }
            #expect(try await ends.server.read(up.count) == up)
            #expect(try await c.value == down)
            try await a.value
            try await b.value
            await closeBoth(ends)
        }
    }

    @Test func answers_waitForAPeerThatDoesNotRead() async throws {
        try await onLoop { loop in
            let ends = try await SocketEnds.established(on: loop)
            let count = 300
            let isLast = loop.meanwhile {
                try await ends.server.answer(upTo: 1_024) { message, reply in
                    let number = message[0]
                    for _ in 0..<answerCapacity { reply.append(number) }
                    return .send
                }
            }
            // Far more in replies than the sockets hold, before the first is read.
            for number in 0..<count {
                try await ends.client.write([UInt8(truncatingIfNeeded: number)])
            }
            for number in 0..<count {
                let expected = [UInt8](
                    repeating: UInt8(truncatingIfNeeded: number), count: answerCapacity)
                #expect(try await ends.client.readBytes() == expected)
            }
            let closing = loop.spawn { await ends.client.close() }
            #expect(try await !isLast.value)
            #expect(await ends.server.close() == nil)
            #expect(await closing.value == nil)
        }
    }

    @Test func cleanEnd_isTold_asOftenAsItIsRead() async throws {
        try await onLoop { loop in
            let ends = try await SocketEnds.established(on: loop)
            try await ends.server.write(text: "last words")
            // The connection stays open below it.
            guard case .moved = try ends.server.attemptClose() else {
                throw ProgramFailure(description: "close_notify found no room")
            }
            #expect(try await ends.client.readBytes() == Array("last words".utf8))
            for _ in 0..<2 { #expect(try await ends.client.readBytes() == nil) }
            await closeBoth(ends)
        }
    }

    // MARK: Deadlines

    @Test(arguments: Role.allCases)
    func handshake_timesOut_whereThePeerIsSilent(_ role: Role) async throws {
        var deadlines = Deadlines()
        deadlines.handshake = .seconds(0.05)
        try await onLoop { [deadlines] loop in
            let ends = try SocketEnds(on: loop, deadlines: deadlines)
            let end = role == .client ? ends.client : ends.server
            #expect(
                await failureCode { () async throws(StreamError) in try await end.handshake() }
                    == .handshakeTimedOut)
            #expect(!end.isEstablished)
        }
    }

    @Test func handshake_timesOut_whereThePeerStopsInTheMiddle() async throws {
        var deadlines = Deadlines()
        deadlines.handshake = .seconds(0.2)
        try await onLoop { [deadlines] loop in
            let ends = try SocketEnds(on: loop, deadlines: deadlines)
            // The client says its hello and never comes back.
            #expect(try ends.client.attemptHandshake() == .blocked(.read))
            let refusal = await failureCode { () async throws(StreamError) in
                try await ends.server.handshake()
            }
            #expect(refusal == .handshakeTimedOut)
        }
    }

    @Test func idleSession_isEnded_andThePeerTold() async throws {
        var deadlines = Deadlines()
        deadlines.idle = .seconds(0.05)
        try await onLoop { [deadlines] loop in
            let ends = try SocketEnds(
                on: loop,
                over: try await connectedSockets(on: loop, serverDeadlines: deadlines))
            try await ends.establish()
            let end = await failureCode { () async throws(StreamError) in
                try await ends.server.readText()
            }
            #expect(end == .idleTimedOut)
            await ends.server.close()
            #expect(try await ends.client.readText() == nil)
        }
    }

    @Test func cancelledHandshake_isCancelled() async throws {
        try await onLoop { loop in
            let ends = try SocketEnds(on: loop)
            let task = loop.spawn {
                await failureCode { () async throws(StreamError) in
                    try await ends.server.handshake()
                }
            }
            task.cancel()
            #expect(await task.value == .cancelled)
        }
    }

    // MARK: Ends

    @Test func close_waitsForThePeersEnd() async throws {
        try await onLoop { loop in
            let ends = try await SocketEnds.established(on: loop)
            let steps = Steps()
            let closing = loop.spawn {
                #expect(await ends.client.close() == nil)
                steps.add("client closed")
            }
            #expect(try await ends.server.readText() == nil)
            // The client has sent its end, and still takes what comes.
            try await ends.server.write(pattern(0..<100_000))
            steps.add("server wrote")
            await ends.server.close()
            await closing.value
            #expect(steps.taken == ["server wrote", "client closed"])
        }
    }

    @Test func close_waitsForThePeersEnd_afterAFailureToo() async throws {
        try await onLoop { loop in
            let ends = try SocketEnds(on: loop, client: certificates.client(nil))
            let steps = Steps()
            let serving = loop.spawn {
                #expect(
                    await failureCode { () async throws(StreamError) in
                        try await ends.server.handshake()
                    } != nil)
                await ends.server.close()
                steps.add("server closed")
            }
            try await ends.client.handshake()
            #expect(
                await failureCode { () async throws(StreamError) in try await ends.client.readText()
                }
                    == .clientCertificateRequired)
            steps.add("client read")
            await ends.client.close()
            await serving.value
            #expect(steps.taken == ["client read", "server closed"])
        }
    }

    @Test func close_givesUp_atItsDeadline() async throws {
        var deadlines = Deadlines()
        deadlines.close = .seconds(0.1)
        try await onLoop { [deadlines] loop in
            let ends = try await SocketEnds.established(on: loop, deadlines: deadlines)
            let start = ContinuousClock.now
            #expect(await ends.client.close()?.code == .closeTimedOut)
            #expect(ContinuousClock.now - start >= .milliseconds(90))
            // It has said so all the same.
            #expect(try await ends.server.readText() == nil)
        }
    }

    @Test func close_givesUp_whereThePeerNeverReads() async throws {
        var deadlines = Deadlines()
        deadlines.close = .seconds(0.1)
        try await onLoop { [deadlines] loop in
            let ends = try await SocketEnds.established(on: loop, deadlines: deadlines)
            // Until nothing fits, the end included.
            let bytes = pattern(0..<16_384)
            while try ends.client.attemptWrite(bytes.span) != .blocked(.write) {}
            #expect(await ends.client.close() != nil)
        }
    }

    @Test func close_tellsOfTruncation_whereThePeerHadMoreToSay() async throws {
        try await onLoop { loop in
            let ends = try await SocketEnds.established(on: loop)
            try await ends.server.write(text: "something")
            ends.server.channel.shutdownWrite()
            #expect(await ends.client.close()?.code == .truncated)
        }
    }

    @Test func close_tellsOfTheRejection_thatNobodyHasRead() async throws {
        try await onLoop { loop in
            let ends = try SocketEnds(
                on: loop, client: certificates.client(nil),
                over: try await connectedSockets(on: loop))
            let serving = loop.spawn {
                let refusal = await failureCode { () async throws(StreamError) in
                    try await ends.server.handshake()
                }
                #expect(await ends.server.close()?.code == refusal)
                return refusal
            }
            try await ends.client.handshake()
            #expect(await ends.client.close()?.code == .clientCertificateRequired)
            #expect(await serving.value == .clientCertificateRequired)
        }
    }

    @Test func fatalAlert_reachesThePeer_beforeTheConnectionCloses() async throws {
        try await onLoop { loop in
            for _ in 0..<20 {
                let ends = try SocketEnds(
                    on: loop, client: certificates.client(nil),
                    over: try await connectedSockets(on: loop))
                let serving = loop.spawn {
                    let refusal = await failureCode { () async throws(StreamError) in
                        try await ends.server.handshake()
                    }
                    await ends.server.close()
                    return refusal
                }
                try await ends.client.handshake()
                // Unread bytes at the server would make TCP reset the connection.
                try? await ends.client.write(pattern(0..<50_000))
                let seen = await failureCode { () async throws(StreamError) in
                    try await ends.client.readText()
                }
                #expect(seen == .clientCertificateRequired)
                #expect(await ends.client.close()?.code == seen)
                #expect(await serving.value == .clientCertificateRequired)
            }
        }
    }

    @Test func vanishedPeer_isTruncation_andWritingToItIsAReset() async throws {
        try await onLoop { loop in
            let pair = try Socket.pair(loop, loop)
            let client = try TLSStream(
                client: certificates.client(), serverName: ServerName("localhost"), over: pair.0)
            do {
                let server = try TLSStream(server: certificates.server(), over: pair.1)
                let accepting = loop.meanwhile { try await server.handshake() }
                try await client.handshake()
                try await accepting.value
                try await server.write(text: "last")
                server.channel.shutdownWrite()
            }
            #expect(try await client.readText() == "last")
            #expect(
                await failureCode { () async throws(StreamError) in try await client.readText() }
                    == .truncated)
        }
    }

    @Test func writingToAPeerThatIsGone_isAReset_andNoSignal() async throws {
        try await onLoop { loop in
            let client: TLSStream
            do {
                let ends = try await SocketEnds.established(on: loop)
                client = ends.client
            }
            // The server's stream and its socket went with the scope; only a child of another
            // test's that is just being started may hold a copy for a moment.
            let failure = await failureCode { () async throws(StreamError) in
                while true { try await client.write(text: "anybody there?") }
            }
            #expect(failure == .reset)
        }
    }

    @Test func plaintextPeer_getsAnEnd() async throws {
        try await onLoop { loop in
            let sockets = try Socket.pair(loop, loop)
            let server = try TLSStream(server: certificates.server(), over: sockets.1)
            let peer = PlainStream(sockets.0)
            try await peer.write(text: "quit")
            let refusal = await failureCode { () async throws(StreamError) in
                try await server.handshake()
            }
            #expect(refusal == .peerSpeaksNoTLS)
            let closing = loop.spawn { await server.close() }
            // Not the close deadline: the end comes at once.
            #expect(try await peer.readBytes() == nil)
            peer.channel.shutdownWrite()
            #expect(await closing.value?.code == .peerSpeaksNoTLS)
        }
    }

    // MARK: Descriptors

    @Test func thousandHandshakes_leaveNoDescriptor() async throws {
        await #expect(processExitsWith: .success) {
            [certificates = certificates as CertificateFixture] in
            let counts = try await onLoop { loop in
                let (client, server) = (try certificates.client(), try certificates.server())
                let bad = try certificates.client("client-expired.pem")
                func session(_ number: Int) async throws {
                    let ends = try SocketEnds(
                        on: loop, client: number % 4 == 0 ? bad : client, server: server)
                    let accepting = loop.meanwhile { try await ends.server.handshake() }
                    try await ends.client.handshake()
                    guard (try? await accepting.value) != nil else { return }
                    let closing = loop.spawn { await ends.client.close() }
                    // Some end as they should, and some are dropped.
                    if number % 2 == 0 { await ends.server.close() }
                    ends.server.channel.shutdownWrite()
                    _ = await closing.value
                }
                try await session(1)
                let before = await openDescriptors()
                for number in 0..<1_000 { try await session(number) }
                return (before, await openDescriptors())
            }
            guard counts.0 == counts.1 else {
                throw ProgramFailure(description: "descriptors: \(counts)")
            }
        }
    }
}

/// What happened, in its order. Confined to a loop.
private final class Steps {
    private(set) var taken: [String] = []
    func add(_ step: String) { taken.append(step) }
}

/// Ends both streams as peers do.
private func closeBoth(_ ends: SocketEnds) async {
    let closing = ends.client.channel.loop.spawn { await ends.client.close() }
    #expect(await ends.server.close() == nil)
    #expect(await closing.value == nil)
}
