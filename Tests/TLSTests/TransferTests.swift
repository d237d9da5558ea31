// Many bytes at once: records that share calls.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import System
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct TransferTests {
    /// All but the last are told to have followers, so that the system may send them together.
    @Test(arguments: [1, 16_384, 16_385, 49_152, 50_000])
    func recordsOfOneWrite_mayLeaveTogether(_ count: Int) async throws {
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
            try await server.write(pattern(0..<count))
            let parts = b.parts.dropFirst(before).map(\.isFollowed)
            let records = (count + 16_383) / 16_384
            #expect(parts == Array(repeating: true, count: records - 1) + [false])
        }
    }

    /// What the socket did not take at once leaves in its order, with the records that follow it.
    @Test(arguments: Role.allCases)
    func transfer_arrivesWhole_atAReaderThatIsSlow(_ role: Role) async throws {
        try await onLoop { loop in
            let certificates = try CertificateFixture.shared
            let (a, b) = MemoryChannel.pair(loop, capacity: 20_000)
            let ends = (
                client: try TLSStream(
                    client: certificates.client(), serverName: ServerName("localhost"), over: a),
                server: try TLSStream(server: certificates.server(), over: b)
            )
            let accepting = loop.meanwhile { try await ends.server.handshake() }
            try await ends.client.handshake()
            try await accepting.value
            let (writer, reader) =
                role == .client ? (ends.client, ends.server) : (ends.server, ends.client)
            let sizes = [1, 16_384, 16_385, 131_072, 131_073, 300_000, 5, 700_000, 49_152]
            let sent = pattern(0..<sizes.reduce(0, +))
            let writing = loop.meanwhile {
                var start = 0
                for size in sizes {
                    try await writer.write(Array(sent[start..<(start + size)]))
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
}
