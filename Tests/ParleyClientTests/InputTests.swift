// What a command is given to read.
// SPDX-License-Identifier: Apache-2.0
import ParleyClient
import Synchronization
import Testing

@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct InputTests {
    /// Takes input up to its end, requested in pieces of so many bytes.
    private static func takeInput(_ peer: Peer, by size: UInt8) async throws -> [UInt8] {
        var input: [UInt8] = []
        while true {
            try await peer.want(size)
            var wanted = Int(size)
            while wanted > 0 {
                let frame = try await peer.next()
                if frame.kind == .inputEnd { return input }
                try #require(frame.kind == .input)
                try #require(frame.payload.count <= wanted)
                wanted -= frame.payload.count
                input += frame.payload
            }
        }
    }

    /// What a program reads that writes what it has read.
    private static func echo(_ input: Input) async throws -> [UInt8] {
        try await serving { peer in
            try await peer.take(.run)
            let read = try await takeInput(peer, by: 7)
            try await peer.say(.output, [0] + read)
            try await peer.say(.exit, [0, 0])
        } ask: { host in
            let result = try await Session.open(host).run("cat", input: input)
            return Array(result.output.dropFirst())
        }
    }

    @Test func bytesArrive_asTheyAreRequested() async throws {
        let bytes = Array("some bytes of input".utf8)
        #expect(try await Self.echo(.bytes(bytes)) == bytes)
    }

    @Test func noInput_isItsEnd() async throws {
        #expect(try await Self.echo(.none) == [])
    }

    @Test func piecesOfASequence_arriveInTheirOrder() async throws {
        let (pieces, source) = AsyncStream<[UInt8]>.makeStream()
        for piece in ["one ", "", "a longer one than is wanted ", "end"] {
            source.yield(Array(piece.utf8))
        }
        source.finish()
        let read = try await Self.echo(.pieces(pieces))
        #expect(String(decoding: read, as: UTF8.self) == "one a longer one than is wanted end")
    }

    @Test func aSequenceIsNotAhead_ofTheProgram() async throws {
        let pieces = CountedPieces()
        try await serving { peer in
            try await peer.take(.run)
            #expect(pieces.taken == 0)
            try await peer.want(1)
            try await peer.take(.input)
            #expect(pieces.taken == 1)
            try await peer.want(1)
            try await peer.take(.input)
            try await peer.want(1)
            try await peer.take(.input)
            #expect(pieces.taken == 2)
            try await peer.say(.exit, [0, 0])
        } ask: { host in
            let result = try await Session.open(host).run("head", input: .pieces(pieces))
            #expect(result.outcome.isSuccess)
        }
    }

    @Test func aSequenceIsLeftAlone_ifTheCommandTakesNoInput() async throws {
        let pieces = CountedPieces()
        try await serving { peer in
            try await peer.answer()
        } ask: { host in
            _ = try await Session.open(host).run("disk", input: .pieces(pieces))
        }
        #expect(pieces.taken == 0)
    }

    @Test func aSequenceIsCancelled_whenTheCommandEndsFirst() async throws {
        let (pieces, source) = AsyncStream<[UInt8]>.makeStream()
        let (ends, end) = AsyncStream<Bool>.makeStream()
        source.onTermination = { reason in
            if case .cancelled = reason { end.yield(true) } else { end.yield(false) }
        }
        try await serving { peer in
            try await peer.take(.run)
            try await peer.want(10)
            try await peer.take(.input)
            try await peer.say(.exit, [0, 3])
            try await peer.take(.inputEnd)
            try await peer.answer(status: 4)
        } ask: { host in
            let session = try await Session.open(host)
            source.yield([1])
            #expect(try await session.run("head", input: .pieces(pieces)).outcome == .exited(3))
            #expect(await ends.first { _ in true } == true)
            #expect(try await session.run("disk").outcome == .exited(4))
        }
    }

    /// Part of the input must not look like all of it.
    @Test func anErrorOfTheSequence_endsTheCommandWithItsSession() async throws {
        let (pieces, source) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
        try await serving { peer in
            try await peer.take(.run)
            try await peer.want(10)
            #expect(try await peer.take(.input) == [1, 2])
            source.finish(throwing: DidNotHappen(what: "more"))
            #expect(await peer.rest() == [])
        } ask: { host in
            let session = try await Session.open(host)
            source.yield([1, 2])
            let error = try await expectFailure("inputFailed", at: host, "the input failed") {
                try await session.run("cat", input: .pieces(pieces))
            }
            guard case .inputFailed(_, let cause) = error else { return }
            #expect((cause as? DidNotHappen)?.what == "more")
            try await expectFailure("inputFailed", at: host) { try await session.run("disk") }
        }
    }
}

/// Pieces of two bytes without end, and how many were taken.
private final class CountedPieces: AsyncSequence, Sendable {
    private let count = Mutex(0)

    var taken: Int { count.withLock { $0 } }

    func makeAsyncIterator() -> Iterator { Iterator(pieces: self) }

    struct Iterator: AsyncIteratorProtocol {
        let pieces: CountedPieces

        mutating func next() async -> [UInt8]? {
            pieces.count.withLock { $0 += 1 }
            return [1, 2]
        }
    }
}
