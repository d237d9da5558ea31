// What a peer that does not read, or goes away, costs a stream that answers by itself.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct AnsweringPeerTests {
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
            deadlines.idle = .seconds(0.1)
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
