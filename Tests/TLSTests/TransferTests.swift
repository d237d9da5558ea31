// Many bytes at once: records that share calls.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import System
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct TransferTests {
    /// In one call, up to what a buffer holds.
    @Test(arguments: [(1, 1), (16_384, 1), (16_385, 1), (50_000, 1), (245_760, 1), (250_000, 2)])
    func recordsOfOneWrite_leaveTogether(_ count: Int, _ calls: Int) async throws {
        try await onLoop { loop in
            let certificates = try CertificateFixture.shared
            let (a, b) = MemoryChannel.pair(loop)
            let client = try TLSStream(
                client: certificates.client(), serverName: ServerName("localhost"), over: a)
            let server = try TLSStream(server: certificates.server(), over: b)
            let accepting = loop.meanwhile { try await server.handshake() }
            try await client.handshake()
            try await accepting.value
            let before = b.parts.count
            try await server.writeMany(pattern(0..<count))
            let parts = b.parts.dropFirst(before)
            #expect(parts.count == calls)
            #expect(parts.reduce(0, +) > count)
            var arrived: [UInt8] = []
            while arrived.count < count {
                _ = try await client.readMany { arrived.append(contentsOf: $0) }
            }
            #expect(arrived == pattern(0..<count))
        }
    }

    /// What the socket did not take at once leaves in its order, with the records that follow it.
    @Test(arguments: Role.allCases)
    func transfer_arrivesWhole_atAReaderThatIsSlow(_ role: Role) async throws {
        try await onLoop { loop in
            let ends = try await Self.narrowEnds(loop)
            let (writer, reader) =
                role == .client ? (ends.client, ends.server) : (ends.server, ends.client)
            let sizes = [1, 16_384, 16_385, 131_072, 131_073, 300_000, 5, 700_000, 49_152]
            let sent = pattern(0..<sizes.reduce(0, +))
            let writing = loop.meanwhile {
                var start = 0
                for size in sizes {
                    try await writer.writeMany(Array(sent[start..<(start + size)]))
                    if size.isMultiple(of: 5) { writer.updateKeys() }
                    start += size
                }
            }
            var arrived: [UInt8] = []
            while arrived.count < sent.count {
                _ = try await reader.readMany { arrived.append(contentsOf: $0) }
                await loop.nextTurn()
            }
            #expect(arrived == sent)
            try await writing.value
        }
    }

    /// Between records OpenSSL can answer, and does once they have left.
    @Test func requestForNewKeys_isAnswered_whileRecordsWait() async throws {
        try await onLoop { loop in
            let (client, server) = try await Self.narrowEnds(loop)
            let bytes = pattern(0..<100_000)
            guard case .moved(100_000) = try server.attemptWriteMany(bytes.span) else {
                Issue.record("not all was taken")
                return
            }
            client.updateKeys()
            try await client.write([9])
            let reading = loop.meanwhile {
                try await server.readMany { Array(copying: $0) }
            }
            let writing = loop.meanwhile { try await server.writeMany(bytes) }
            var arrived: [UInt8] = []
            while arrived.count < 2 * bytes.count,
                try await client.readMany({ arrived.append(contentsOf: $0) }) != nil
            {}
            #expect(arrived == bytes + bytes)
            #expect(try await reading.value == [9])
            try await writing.value
        }
    }

    /// A message, or the end, does not overtake what the stream has taken, and takes nothing of it away.
    @Test(arguments: [false, true])
    func whatIsWrittenNext_leavesBehindWhatWaits(isEnd: Bool) async throws {
        try await onLoop { loop in
            let (client, server) = try await Self.narrowEnds(loop)
            let bytes = pattern(0..<100_000)
            guard case .moved(100_000) = try server.attemptWriteMany(bytes.span) else {
                Issue.record("not all was taken")
                return
            }
            #expect(try !server.attemptFlush())
            #expect(server.holdsDeparting)
            let writing = loop.spawn {
                if isEnd {
                    _ = await server.close()
                } else {
                    try? await server.write([1, 2, 3])
                }
            }
            let expected = isEnd ? bytes : bytes + [1, 2, 3]
            var arrived: [UInt8] = []
            while arrived.count < expected.count || isEnd,
                try await client.readMany({ arrived.append(contentsOf: $0) }) != nil
            {}
            #expect(arrived == expected)
            #expect(!server.holdsDeparting)
            if isEnd { await client.close() }
            await writing.value
        }
    }

    /// Two ends whose channel holds little more than a record.
    private static func narrowEnds(
        _ loop: EventLoop
    ) async throws -> (client: TLSStream, server: TLSStream) {
        let certificates = try CertificateFixture.shared
        let (a, b) = MemoryChannel.pair(loop, capacity: 20_000)
        let client = try TLSStream(
            client: certificates.client(), serverName: ServerName("localhost"), over: a)
        let server = try TLSStream(server: certificates.server(), over: b)
        let accepting = loop.meanwhile { try await server.handshake() }
        try await client.handshake()
        try await accepting.value
        return (client, server)
    }

    @Test func readMany_takesWhatHasArrived() async throws {
        try await onLoop { loop in
            let ends = try await SocketEnds.established(on: loop)
            let bytes = pattern(0..<65_536)
            try await ends.server.write(bytes)
            var pieces: [Int] = []
            while pieces.reduce(0, +) < bytes.count {
                _ = try await ends.client.readMany { pieces.append($0.count) }
            }
            #expect(pieces.count <= 2)
            #expect(!ends.client.holdsRoom)
        }
    }

    /// The end is told after what came before it.
    @Test func readMany_meetsTheEnd_behindTheRest() async throws {
        try await onLoop { loop in
            let ends = try await SocketEnds.established(on: loop)
            let bytes = pattern(0..<100_000)
            let closing = loop.spawn {
                try? await ends.server.write(bytes)
                return await ends.server.close()
            }
            var arrived: [UInt8] = []
            while try await ends.client.readMany({ arrived.append(contentsOf: $0) }) != nil {}
            #expect(arrived == bytes)
            await ends.client.close()
            #expect(await closing.value == nil)
        }
    }
}

extension TLSStream {
    fileprivate var holdsRoom: Bool { arrived?.isEmpty == false }
    fileprivate var holdsDeparting: Bool { departing?.isEmpty == false }
}
