// A stream that answers by itself: what leaves when, and what a peer that does not read costs.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct AnsweringTests {
    // MARK: Turns

    @Test(arguments: Carrier.allCases)
    func send_answersEachMessage_atOnce(carrier: Carrier) async throws {
        try await onLoop { loop in
            let (a, b) = try await carrier.streams(on: loop)
            let server = WrittenPieces(b)
            let answering = loop.spawn { await echo(server, .send) }
            for text in ["a", "bb", "ccc"] {
                try await a.write(text: text)
                #expect(try await a.readText() == text)
            }
            a.channel.shutdownWrite()
            #expect(await answering.value == .peerEnded)
            #expect(server.pieces == [1, 2, 3])
        }
    }

    @Test func send_doesNotGather_whatCameTogether() async throws {
        try await onLoop { loop in
            let (a, b) = try await Carrier.pair.streams(on: loop)
            let server = WrittenPieces(b)
            try await a.write(text: "abcde")
            a.channel.shutdownWrite()
            #expect(await echo(server, upTo: 1, .send) == .peerEnded)
            #expect(server.pieces == [1, 1, 1, 1, 1])
        }
    }

    @Test func gather_leavesTogether_atTheNextSend() async throws {
        try await onLoop { loop in
            let (a, b) = try await Carrier.pair.streams(on: loop)
            let server = WrittenPieces(b)
            try await a.write(text: "ab.cd.")
            a.channel.shutdownWrite()
            let outcome = await answer(server, upTo: 1) { message, output in
                output.append(message[0])
                return message[0] == UInt8(ascii: ".") ? .send : .gather
            }
            #expect(outcome == .peerEnded)
            #expect(server.pieces == [3, 3])
            #expect(try await a.readText() == "ab.cd.")
        }
    }

    @Test func gather_leavesTogether_whenThereIsNothingMoreToAnswer() async throws {
        try await onLoop { loop in
            let (a, b) = try await Carrier.pair.streams(on: loop)
            let server = WrittenPieces(b)
            let answering = loop.spawn { await echo(server, upTo: 1, .gather) }
            try await a.write(text: "abc")
            #expect(try await a.readText() == "abc")
            try await a.write(text: "de")
            #expect(try await a.readText() == "de")
            #expect(server.pieces == [3, 2])
            a.channel.shutdownWrite()
            #expect(await answering.value == .peerEnded)
        }
    }

    @Test func gather_leaves_beforeTheCleanEnd() async throws {
        try await onLoop { loop in
            let (a, b) = try await Carrier.pair.streams(on: loop)
            try await a.write(text: "abc")
            a.channel.shutdownWrite()
            #expect(await echo(b, upTo: 1, .gather) == .peerEnded)
            #expect(try await a.readText() == "abc")
        }
    }

    @Test func gather_leaves_whenTheRoomIsUsedUp() async throws {
        try await onLoop { loop in
            let (a, b) = try await Carrier.pair.streams(on: loop)
            let server = WrittenPieces(b)
            try await a.write(text: String(repeating: "m", count: 10))
            a.channel.shutdownWrite()
            let answering = loop.spawn {
                let outcome = await answer(server, upTo: 1) { _, output in
                    for _ in 0..<answerCapacity { output.append(1) }
                    return .gather
                }
                b.channel.shutdownWrite()
                return outcome
            }
            #expect(try await a.readAll().count == 10 * answerCapacity)
            #expect(await answering.value == .peerEnded)
            #expect(server.pieces.allSatisfy { $0 <= EventLoop.recordPayload })
            // Together, as far as the room goes.
            #expect(server.pieces.count < 10)
        }
    }

    @Test func last_sendsAndEnds_withMessagesUnanswered() async throws {
        try await onLoop { loop in
            let (a, b) = try await Carrier.pair.streams(on: loop)
            try await a.write(text: "abqz")
            let outcome = await answer(b, upTo: 1) { message, output in
                output.append(message[0])
                return message[0] == UInt8(ascii: "q") ? .last : .gather
            }
            #expect(outcome == .answered)
            #expect(try await a.readText() == "abq")
            // What was not answered is there for whoever reads on.
            #expect(try await b.readText() == "z")
        }
    }

    @Test func messagesWithoutAReply_areNoWrites() async throws {
        try await onLoop { loop in
            let (a, b) = try await Carrier.pair.streams(on: loop)
            let server = WrittenPieces(b)
            try await a.write(text: "abc")
            a.channel.shutdownWrite()
            #expect(await answer(server, upTo: 1) { _, _ in .send } == .peerEnded)
            #expect(server.pieces == [])
        }
    }

    @Test(arguments: [Turn.send, .gather])
    func peerThatAlwaysHasMoreToSay_leavesTheOthersTheirTurns(turn: Turn) async throws {
        try await onLoop { loop in
            let (a, b) = try await Carrier.pair.streams(on: loop)
            let messages = 20_000
            let answered = Shared(0)
            let perTurn = PerTurn(answered, on: loop)
            perTurn.resume()
            let writing = loop.spawn {
                try? await a.write(pattern(0..<messages))
                a.channel.shutdownWrite()
            }
            let reading = loop.spawn { try? await a.readAll() }
            let outcome = await answer(b, upTo: 1) { message, output in
                answered.value += 1
                output.append(message[0])
                return turn
            }
            #expect(outcome == .peerEnded)
            perTurn.isOver = true
            b.channel.shutdownWrite()
            #expect(await reading.value == pattern(0..<messages))
            // 64 messages a call: one for the turn, and one for an event that comes with it.
            #expect(perTurn.most <= 128)
            await writing.value
        }
    }

    @Test func streamThatGaveWay_owesItsPeer_untilAllIsAnswered() async throws {
        try await onLoop { loop in
            let (a, b) = try await Carrier.pair.streams(on: loop)
            let messages = 200
            try await a.write(pattern(0..<messages))
            let answered = Shared(0)
            let answering = loop.spawn {
                await answer(b, upTo: 1) { _, _ in
                    answered.value += 1
                    return .send
                }
            }
            var pauses = 0
            while answered.value < messages {
                await turns(1)
                guard (1..<messages).contains(answered.value) else { continue }
                pauses += 1
                #expect(b.channel.owesPeer)
            }
            #expect(pauses > 0)
            #expect(!b.channel.owesPeer)
            a.channel.shutdownWrite()
            #expect(await answering.value == .peerEnded)
        }
    }

    @Test func answer_readsNoMoreThanTheMaximum() async throws {
        try await onLoop { loop in
            let (a, b) = try await Carrier.pair.streams(on: loop)
            try await a.write(pattern(0..<10))
            a.channel.shutdownWrite()
            let sizes = Shared<[Int]>([])
            let outcome = await answer(b, upTo: 4) { message, _ in
                sizes.value.append(message.count)
                return .gather
            }
            #expect(outcome == .peerEnded)
            #expect(sizes.value == [4, 4, 2])
        }
    }

    @Test func answer_canBeCalledAgain() async throws {
        try await onLoop { loop in
            let (a, b) = try await Carrier.pair.streams(on: loop)
            for text in ["one", "two"] {
                let answering = loop.spawn { await echo(b, .last) }
                await turns(5)
                try await a.write(text: text)
                #expect(try await a.readText() == text)
                #expect(await answering.value == .answered)
            }
            // Between two answerings the stream is anybody's.
            let reading = loop.spawn { try? await b.readText() }
            await turns(5)
            try await a.write(text: "three")
            #expect(await reading.value == "three")
        }
    }

    @Test func bytesReadAhead_areAnsweredFirst_inPieces() async throws {
        try await onLoop { loop in
            let (a, b) = try await Carrier.pair.streams(on: loop)
            let server = WrittenPieces(b)
            try await a.write(text: "ahead")
            #expect(try await server.untilReadable())
            try await a.write(text: " of time")
            a.channel.shutdownWrite()
            #expect(await echo(server, upTo: 3, .send) == .peerEnded)
            #expect(server.pieces == [3, 2, 3, 3, 2])
            #expect(try await a.readText() == "ahead of time")
        }
    }

    @Test func bytesReadAhead_stay_afterTheLast() async throws {
        try await onLoop { loop in
            let (a, b) = try await Carrier.pair.streams(on: loop)
            try await a.write(text: "ahead")
            #expect(try await b.untilReadable())
            #expect(await echo(b, upTo: 1, .last) == .answered)
            #expect(try await b.readText() == "head")
        }
    }

    // MARK: A peer that does not read

    @Test func peerThatNeverReads_isHeldBack_thenServedOn() async throws {
        try await onLoop { loop in
            let (a, b) = try await Carrier.pair.streams(on: loop)
            let answering = loop.spawn { await echo(b, .send) }
            let sent = await fill(a)
            // Its own send blocks, far below what it would have sent.
            #expect(sent > 0 && sent < 8_000_000)
            // What was read and not sent is at most a record.
            #expect(b.channel.received - b.channel.sent <= UInt64(EventLoop.recordPayload))
            // As soon as it reads, it gets all it is owed, in order.
            a.channel.shutdownWrite()
            let reading = loop.spawn { try? await a.readAll() }
            #expect(await answering.value == .peerEnded)
            b.channel.shutdownWrite()
            let isSame = await reading.value == pattern(0..<sent)
            #expect(isSame)
        }
    }

    @Test func peerThatNeverReads_isDropped_atTheIdleDeadline() async throws {
        try await onLoop { loop in
            var deadlines = Deadlines()
            deadlines.idle = 0.1
            let (a, b) = try await Carrier.pair.streams(on: loop, deadlines: deadlines)
            b.channel.enter(.idle)
            let answering = loop.spawn { await echo(b, .send) }
            let sent = await fill(a)
            #expect(sent < 8_000_000)
            #expect(await answering.value == .failed(.idleTimedOut))
        }
    }

    @Test func last_waits_untilTheReplyHasLeft() async throws {
        try await onLoop { loop in
            let (a, b) = try await Carrier.pair.streams(on: loop)
            let isOver = Shared(false)
            let answering = loop.spawn {
                let outcome = await answer(b, upTo: 1) { message, output in
                    for _ in 0..<answerCapacity { output.append(message[0]) }
                    return message[0] == UInt8(ascii: "q") ? .last : .send
                }
                isOver.value = true
                return outcome
            }
            // More replies than the socket holds; the last of them is stuck.
            var asked = 0
            while b.channel.sent == UInt64(asked * answerCapacity) {
                try await a.write(text: "m")
                asked += 1
                await turns(3)
            }
            try await a.write(text: "q")
            await turns(20)
            #expect(!isOver.value)
            var read = 0
            while read < (asked + 1) * answerCapacity {
                read += try #require(try await a.read(upTo: 16_384) { $0.count })
            }
            #expect(await answering.value == .answered)
            #expect(read == (asked + 1) * answerCapacity)
        }
    }

    // MARK: Failures

    @Test(arguments: Carrier.allCases)
    func reset_endsTheAnswering(carrier: Carrier) async throws {
        try await onLoop { loop in
            var a: PlainStream?
            let b: PlainStream
            (a, b) = try await carrier.streams(on: loop)
            let answering = loop.spawn { await echo(b, .send) }
            try await b.write(text: "unread")
            try a?.channel.check()
            a = nil
            #expect(await answering.value == .failed(.reset))
        }
    }

    @Test(arguments: Carrier.allCases)
    func reset_endsTheAnswering_whileItIsHeldBack(carrier: Carrier) async throws {
        try await onLoop { loop in
            var a: PlainStream?
            let b: PlainStream
            (a, b) = try await carrier.streams(on: loop)
            let answering = loop.spawn {
                await answer(b, upTo: 1) { _, output in
                    for _ in 0..<answerCapacity { output.append(1) }
                    return .send
                }
            }
            // Replies that nobody reads.
            try await a?.write(pattern(0..<20_000))
            a = nil
            #expect(await answering.value == .failed(.reset))
        }
    }

    @Test func failure_ofTheChannel_endsTheAnswering() async throws {
        try await onLoop { loop in
            let (a, b) = try await Carrier.pair.streams(on: loop)
            let answering = loop.spawn { await echo(b, .send) }
            await turns(5)
            b.channel.fail(StreamError(.endedEarly, "told so"))
            #expect(await answering.value == .failed(.endedEarly))
            withExtendedLifetime(a) {}
        }
    }
}

/// The most messages that were answered in one turn of a loop.
private final class PerTurn: Resumable {
    var isOver = false
    private(set) var most = 0
    private var last = 0
    private let answered: Shared<Int>
    private let loop: EventLoop

    init(_ answered: Shared<Int>, on loop: EventLoop) {
        self.answered = answered
        self.loop = loop
    }

    func resume() {
        most = max(most, answered.value - last)
        last = answered.value
        if !isOver { loop.resumeNextTurn(self) }
    }
}

/// How an answering ended.
private enum Ending: Equatable {
    /// After `.last`.
    case answered
    case peerEnded
    case failed(StreamError.Code)
}

private func answer(
    _ stream: some ByteStream, upTo maximum: Int,
    _ body: @escaping (Span<UInt8>, inout OutputSpan<UInt8>) -> Turn
) async -> Ending {
    do throws(StreamError) {
        return try await stream.answer(upTo: maximum, body) ? .answered : .peerEnded
    } catch {
        return .failed(error.code)
    }
}

private func echo(
    _ stream: some ByteStream, upTo maximum: Int = 1_024, _ turn: Turn
) async -> Ending {
    await answer(stream, upTo: maximum) { message, output in
        for index in message.indices { output.append(message[index]) }
        return turn
    }
}

/// Sends until nothing more is taken, however many turns the others get.
///
/// - Returns: the number of bytes that were taken.
private func fill(_ stream: PlainStream) async -> Int {
    var sent = 0
    var turnsInVain = 0
    while turnsInVain < 50, sent < 8_000_000 {
        let count = stream.channel.sendNow(pattern(sent..<sent + 1_024))
        sent += count
        turnsInVain = count > 0 ? 0 : turnsInVain + 1
        await turns(1)
    }
    return sent
}

/// A plain stream that notes what each of its writes came to, since a socket joins them.
private final class WrittenPieces: ByteStream, @unchecked Sendable {
    private let stream: PlainStream
    private(set) var pieces: [Int] = []

    init(_ stream: PlainStream) { self.stream = stream }

    var channel: Channel { stream.channel }
    var peerName: String? { nil }
    var readAhead: [UInt8]? {
        get { stream.readAhead }
        set { stream.readAhead = newValue }
    }

    func attemptRead(into output: inout OutputSpan<UInt8>) throws(StreamError) -> Attempt {
        try stream.attemptRead(into: &output)
    }

    func attemptWrite(_ bytes: Span<UInt8>) throws(StreamError) -> Attempt {
        let attempt = try stream.attemptWrite(bytes)
        if case .moved(let count) = attempt { pieces.append(count) }
        return attempt
    }

    func attemptClose() throws(StreamError) -> Attempt { try stream.attemptClose() }
}
