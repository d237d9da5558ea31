// A stream of bytes between two sockets: what is read and written, and how it ends.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct StreamTests {
    // MARK: Bytes

    @Test(arguments: Carrier.allCases)
    func read_returnsWhatWasWritten_inBothDirections(carrier: Carrier) async throws {
        try await onLoop { loop in
            let (a, b) = try await carrier.streams(on: loop)
            for text in ["x", "Hello from client", String(repeating: "y", count: 1_024)] {
                try await a.write(text: text)
                #expect(try await b.readText() == text)
                try await b.write(text: text)
                #expect(try await a.readText() == text)
            }
            #expect(a.channel.sent == 1_042 && a.channel.received == 1_042)
            #expect(b.channel.sent == 1_042 && b.channel.received == 1_042)
        }
    }

    @Test(arguments: Carrier.allCases)
    func read_returnsAtMostTheMaximum_andTheRestLater(carrier: Carrier) async throws {
        try await onLoop { loop in
            let (a, b) = try await carrier.streams(on: loop)
            try await a.write(text: "12345")
            var pieces: [String?] = []
            for maximum in [2, 1, 10] { pieces.append(try await b.readText(upTo: maximum)) }
            #expect(pieces == ["12", "3", "45"])
        }
    }

    @Test(arguments: Carrier.allCases)
    func read_returnsNil_afterPeerCloses(carrier: Carrier) async throws {
        try await onLoop { loop in
            let (a, b) = try await carrier.streams(on: loop)
            try await b.write(text: "last")
            b.channel.shutdownWrite()
            #expect(try await a.readText() == "last")
            #expect(try await a.readText() == nil)
            #expect(try await a.readText() == nil)
            // The other half is still open.
            try await a.write(text: "late")
            #expect(try await b.readText() == "late")
        }
    }

    @Test(arguments: Carrier.allCases)
    func read_returnsNil_whenThePeerClosesMeanwhile(carrier: Carrier) async throws {
        try await onLoop { loop in
            let (a, b) = try await carrier.streams(on: loop)
            let reading = loop.spawn { try? await a.readAll() }
            await turns(5)
            b.channel.shutdownWrite()
            #expect(await reading.value == [])
        }
    }

    @Test(arguments: Carrier.allCases)
    func bytesBeforeTheEnd_areRead_howeverTheyFillTheRoom(carrier: Carrier) async throws {
        try await onLoop { loop in
            // The end comes after the bytes, and no further event reports it.
            for count in [1, 1_023, 1_024, 1_025, 16_384, 40_000] {
                let (a, b) = try await carrier.streams(on: loop)
                let writing = loop.spawn {
                    try? await b.write(pattern(0..<count))
                    b.channel.shutdownWrite()
                }
                #expect(try await a.readAll() == pattern(0..<count))
                await writing.value
            }
        }
    }

    @Test(arguments: Carrier.allCases)
    func untilReadable_leavesTheBytes_forReadsInPieces(carrier: Carrier) async throws {
        try await onLoop { loop in
            let (a, b) = try await carrier.streams(on: loop)
            try await b.write(text: "abcde")
            #expect(try await a.untilReadable())
            #expect(try await a.untilReadable())
            #expect(try await a.readText(upTo: 2) == "ab")
            #expect(try await a.untilReadable())
            #expect(try await a.readText(upTo: 3) == "cde")
            b.channel.shutdownWrite()
            #expect(try await a.untilReadable() == false)
            #expect(try await a.readText() == nil)
        }
    }

    // MARK: Waiting

    @Test(arguments: Carrier.allCases)
    func write_waits_whileThePeerDoesNotRead(carrier: Carrier) async throws {
        try await onLoop { loop in
            let (a, b) = try await carrier.streams(on: loop)
            let bytes = Self.moreThanFits
            let isWritten = Shared(false)
            let writing = loop.spawn {
                let code = await failureCode { () async throws(StreamError) in
                    try await a.write(bytes)
                }
                isWritten.value = true
                a.channel.shutdownWrite()
                return code
            }
            await turns(100)
            #expect(!isWritten.value)
            let read = try await b.readAll()
            // Not compared by #expect, which would print them.
            let isSame = read == bytes
            #expect(isSame)
            #expect(await writing.value == nil)
        }
    }

    @Test(arguments: Carrier.allCases)
    func waitingReader_doesNotStopTheWriter_ofTheSameStream(carrier: Carrier) async throws {
        try await onLoop { loop in
            let (a, b) = try await carrier.streams(on: loop)
            let reading = loop.spawn { try? await a.readText() }
            await turns(5)
            try await a.write(text: "first")
            #expect(try await b.readText() == "first")
            // Nor does a writer that waits stop the reader.
            let writing = loop.spawn { try? await a.write(Self.moreThanFits) }
            await turns(20)
            try await b.write(text: "answer")
            #expect(await reading.value == "answer")
            var read = 0
            while read < 12_000_000 {
                read += try await b.read(upTo: 16_384) { $0.count } ?? 12_000_000
            }
            #expect(read == 12_000_000)
            await writing.value
        }
    }

    @Test(arguments: Carrier.allCases)
    func readerOfAPeerThatAlwaysHasMore_leavesTheOthersTheirTurns(carrier: Carrier) async throws {
        try await onLoop { loop in
            let (a, b) = try await carrier.streams(on: loop)
            let writing = loop.spawn {
                try? await a.write(Self.moreThanFits)
                a.channel.shutdownWrite()
            }
            var perTurn: [UInt64: Int] = [:]
            while let count = try await b.read(upTo: 16_384, { $0.count }) {
                perTurn[loop.turns, default: 0] += count
            }
            #expect(perTurn.values.reduce(0, +) == 12_000_000)
            // Four records' worth, and the read that goes beyond.
            let most = perTurn.values.max() ?? 0
            #expect(most <= 5 * 16_384)
            await writing.value
        }
    }

    enum Operation: CaseIterable, Sendable {
        case read, untilReadable, write, answer

        func run(_ stream: PlainStream) async throws(StreamError) {
            switch self {
            case .read: _ = try await stream.readText()
            case .untilReadable: _ = try await stream.untilReadable()
            case .write: try await stream.write(StreamTests.moreThanFits)
            case .answer: _ = try await stream.answer(upTo: 1) { _, _ in .send }
            }
        }
    }

    @Test(arguments: Operation.allCases, Canceller.allCases)
    func cancellation_wakesEveryWait(operation: Operation, canceller: Canceller) async throws {
        try await onLoop { loop in
            let (a, b) = try Socket.pair(loop, loop)
            let waiting = loop.spawn {
                let stream = PlainStream(a)
                return await failureCode { () async throws(StreamError) in
                    try await operation.run(stream)
                }
            }
            if canceller != .beforeStart { await turns(20) }
            if canceller == .onAnotherThread {
                onThread { waiting.cancel() }
            } else {
                waiting.cancel()
            }
            #expect(await waiting.value == .cancelled)
            withExtendedLifetime(b) {}
        }
    }

    @Test func cancelledRead_leavesTheStreamToOthers() async throws {
        try await onLoop { loop in
            let (a, b) = try await Carrier.pair.streams(on: loop)
            let first = loop.spawn { try? await a.readText() }
            let second = loop.spawn { try? await a.readText() }
            let writing = loop.spawn { try? await a.write(Self.moreThanFits) }
            await turns(20)
            first.cancel()
            #expect(await first.value == nil)
            try await b.write(text: "x")
            #expect(await second.value == "x")
            // The writer that waited went on with its own bytes.
            let isSame =
                try await b.read(upTo: 1_000) { bytes in
                    unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
                } == pattern(0..<1_000)
            #expect(isSame)
            writing.cancel()
            await writing.value
        }
    }

    // MARK: Failures

    @Test(arguments: Carrier.allCases)
    func read_throwsReset_whenThePeerIsGoneWithBytesUnread(carrier: Carrier) async throws {
        try await onLoop { loop in
            let a = try await abandonedStream(carrier, isReset: true, on: loop)
            #expect(
                await failureCode { () async throws(StreamError) in try await a.readText() }
                    == .reset)
        }
    }

    @Test(arguments: Carrier.allCases)
    func failure_ofARead_isPermanent(carrier: Carrier) async throws {
        try await onLoop { loop in
            let a = try await abandonedStream(carrier, isReset: true, on: loop)
            for _ in 0..<3 {
                // A second read that returned nil would pass a reset for a clean end.
                #expect(
                    await failureCode { () async throws(StreamError) in try await a.readText() }
                        == .reset
                )
            }
        }
    }

    @Test func write_throwsReset_afterThePeerIsGone() async throws {
        // With SIGPIPE's default action, whatever others in the process have made of it.
        await #expect(processExitsWith: .success) {
            signal(SIGPIPE, SIG_DFL)
            for carrier in Carrier.allCases {
                try await onLoop { loop in
                    let a = try await abandonedStream(carrier, isReset: false, on: loop)
                    // The first write to a closed TCP connection only brings the reset.
                    var code: StreamError.Code?
                    while code == nil {
                        code = await failureCode { () async throws(StreamError) in
                            try await a.write(text: "x")
                        }
                    }
                    #expect(code == .reset)
                }
            }
        }
    }

    @Test func fail_endsEveryWait_withTheFirstErrorForEver() async throws {
        try await onLoop { loop in
            let (a, b) = try await Carrier.pair.streams(on: loop)
            let reading = loop.spawn {
                await failureCode { () async throws(StreamError) in try await a.readText() }
            }
            let writing = loop.spawn {
                await failureCode { () async throws(StreamError) in
                    try await a.write(Self.moreThanFits)
                }
            }
            await turns(20)
            a.channel.fail(StreamError(.endedEarly, "first"))
            a.channel.fail(StreamError(.reset, "second"))
            #expect(await reading.value == .endedEarly)
            #expect(await writing.value == .endedEarly)
            try await b.write(text: "too late")
            for operation in Operation.allCases {
                #expect(
                    await failureCode { () async throws(StreamError) in try await operation.run(a) }
                        == .endedEarly)
            }
        }
    }

    /// A socket's share of a turn bounds what comes in one call as well.
    @Test func receiveIntoTwo_staysWithinTheTurnsShare() async throws {
        try await onLoop { loop in
            let (a, b) = try Socket.pair(loop, loop)
            let sent = pattern(0..<a.sendNow(pattern(0..<200_000)))
            #expect(sent.count > 100_000)
            var arrived: [UInt8] = []
            func receive() -> Int {
                var (first, second) = (
                    [UInt8](repeating: 0, count: 16_000), [UInt8](repeating: 0, count: 150_000)
                )
                let count = unsafe first.withUnsafeMutableBytes { first in
                    unsafe second.withUnsafeMutableBytes { second in
                        unsafe b.receive(into: first, then: second)
                    }
                }
                arrived += (first + second).prefix(max(0, count))
                return count
            }
            #expect(receive() == 65_536)
            #expect(receive() == Channel.wouldBlock)
            while arrived.count < sent.count {
                await turns(1)
                #expect(receive() <= 65_536)
            }
            #expect(arrived == sent)
        }
    }

    /// More bytes than a socket's two buffers take (tcp(7): `tcp_wmem`, `tcp_rmem`).
    static let moreThanFits = pattern(0..<12_000_000)
}
