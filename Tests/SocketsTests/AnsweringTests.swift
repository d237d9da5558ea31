// A stream that answers by itself: what leaves when.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct AnsweringTests {
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

    @Test func begun_answersWithoutATask_untilItIsCancelled() async throws {
        try await onLoop { loop in
            let (a, b) = try await Carrier.pair.streams(on: loop)
            let ends = Shared<[Ending]>([])
            weak var held: Shared<Int>?
            begin(b, ends, holding: &held)
            for text in ["a", "b"] {
                try await a.write(text: text)
                #expect(try await a.readText() == text)
            }
            #expect(held?.value == 2)
            #expect(ends.value == [])
            b.channel.cancel()
            b.channel.cancel()
            #expect(ends.value == [.failed(.cancelled)])
            #expect(held == nil)
        }
    }

    @Test func begun_endsAtOnce_whereTheChannelHasFailed() async throws {
        try await onLoop { loop in
            let (_, b) = try await Carrier.pair.streams(on: loop)
            b.channel.fail(StreamError(.reset, "it broke"))
            let ends = Shared<[Ending]>([])
            weak var held: Shared<Int>?
            begin(b, ends, holding: &held)
            #expect(ends.value == [.failed(.reset)])
            #expect(held == nil)
        }
    }

    private func begin(
        _ stream: some ByteStream, _ ends: Shared<[Ending]>, holding held: inout Shared<Int>?
    ) {
        let count = Shared(0)
        held = count
        stream.beginAnswering(
            upTo: 1_024,
            { message, output in
                count.value += 1
                output.append(message[0])
                return .send
            },
            ended: { result in
                do throws(StreamError) {
                    ends.value.append(try result.get() ? .answered : .peerEnded)
                } catch {
                    ends.value.append(.failed(error.code))
                }
            })
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
