// What a peer's silence may cost: the deadlines of a channel.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct DeadlineTests {
    @Test(arguments: StreamTests.Operation.allCases)
    func idleDeadline_endsASilentWait(operation: StreamTests.Operation) async throws {
        try await onLoop { loop in
            var deadlines = Deadlines()
            deadlines.idle = .seconds(0.05)
            let (a, b) = try await Carrier.pair.streams(on: loop, deadlines: deadlines)
            a.channel.enter(.idle)
            let started = loop.now
            let code = await failureCode { () async throws(StreamError) in
                try await operation.run(a)
            }
            #expect(code == .idleTimedOut)
            #expect(loop.now - started >= .milliseconds(50))
            withExtendedLifetime(b) {}
        }
    }

    @Test(arguments: [Channel.Direction.read, .write])
    func idleDeadline_moves_withTraffic(direction: Channel.Direction) async throws {
        try await onLoop { loop in
            var deadlines = Deadlines()
            // Long against the ticks, so that a busy machine is not taken for silence.
            deadlines.idle = .seconds(1)
            let (a, b) = try Socket.pair(loop, loop, deadlines: deadlines)
            let sender = direction == .read ? b : a
            let ticks = Shared(0)
            let lastTick = Shared(loop.now)
            let alarm = Alarm(loop: loop) { alarm in
                ticks.value += 1
                lastTick.value = loop.now
                #expect(sender.sendNow([0]) == 1)
                if ticks.value < 7 { alarm.set(inMilliseconds: 200) }
            }
            a.enter(.idle)
            alarm.set(inMilliseconds: 200)
            let code = await failureCode { () async throws(StreamError) in
                try await PlainStream(a).readAll()
            }
            #expect(code == .idleTimedOut)
            #expect(ticks.value == 7)
            #expect(loop.now - lastTick.value >= .seconds(1))
            withExtendedLifetime((alarm, b)) {}
        }
    }

    /// A stranger's connection has it from accept on, and its handshake begins when it likes.
    @Test func handshakeDeadline_doesNotMove_whereTheHandshakeBegins() async throws {
        try await onLoop { loop in
            let (a, b) = try Socket.pair(loop, loop)
            a.enterHandshake()
            let due = a.due
            #expect(due == loop.now + .seconds(10))
            while loop.now + .seconds(10) == due { await turns(1) }
            a.enterHandshake()
            #expect(a.due == due)
            withExtendedLifetime(b) {}
        }
    }

    @Test func handshakeDeadline_doesNotMove_withTraffic() async throws {
        try await onLoop { loop in
            var deadlines = Deadlines()
            deadlines.handshake = .seconds(0.1)
            let (a, b) = try Socket.pair(loop, loop, deadlines: deadlines)
            let alarm = Alarm(loop: loop) { alarm in
                _ = b.sendNow([0])
                alarm.set(inMilliseconds: 10)
            }
            a.enter(.handshake)
            alarm.set(inMilliseconds: 10)
            let code = await failureCode { () async throws(StreamError) in
                try await PlainStream(a).readAll()
            }
            #expect(code == .handshakeTimedOut)
            #expect(a.received > 0)
            alarm.clearDue()
        }
    }

    @Test func idlePhase_takesTheDeadlineOfTheHandshakeBack() async throws {
        try await onLoop { loop in
            var deadlines = Deadlines()
            deadlines.handshake = .seconds(0.02)
            deadlines.idle = .seconds(0.1)
            let (a, b) = try Socket.pair(loop, loop, deadlines: deadlines)
            a.enter(.handshake)
            a.enter(.idle)
            let code = await failureCode { () async throws(StreamError) in
                try await PlainStream(a).readAll()
            }
            #expect(code == .idleTimedOut)
            withExtendedLifetime(b) {}
        }
    }

    @Test func silenceIsNotCounted_beforeAPhaseBegins() async throws {
        try await onLoop { loop in
            var deadlines = Deadlines()
            deadlines.idle = .seconds(0.01)
            let (a, b) = try await Carrier.pair.streams(on: loop, deadlines: deadlines)
            let isOver = Shared(false)
            let alarm = Alarm(loop: loop) { _ in
                isOver.value = true
                #expect(b.channel.sendNow([0x78]) == 1)
            }
            alarm.set(inMilliseconds: 50)
            #expect(try await a.readText() == "x")
            #expect(isOver.value)
        }
    }

    // MARK: The end

    @Test(arguments: Carrier.allCases)
    func close_returns_whenThePeerHasClosed(carrier: Carrier) async throws {
        try await onLoop { loop in
            let (a, b) = try await carrier.streams(on: loop)
            let isClosed = Shared(false)
            let closing = loop.spawn {
                let failure = await a.close()
                isClosed.value = true
                return failure
            }
            #expect(try await b.readText() == nil)
            await turns(5)
            #expect(!isClosed.value)
            // What comes after the end is thrown away.
            try await b.write(pattern(0..<100_000))
            b.channel.shutdownWrite()
            #expect(await closing.value == nil)
        }
    }

    @Test(arguments: Carrier.allCases)
    func close_losesNothing_whereBytesAreUnread(carrier: Carrier) async throws {
        try await onLoop { loop in
            let (a, b) = try await carrier.streams(on: loop)
            try await a.write(text: "unread")
            let closing = loop.spawn {
                try? await b.write(text: "the last word")
                return await b.close()
            }
            #expect(try await a.readText() == "the last word")
            // Closing with bytes unread would be a reset.
            #expect(try await a.readText() == nil)
            a.channel.shutdownWrite()
            #expect(await closing.value == nil)
        }
    }

    @Test func close_givesUp_atItsDeadline() async throws {
        try await onLoop { loop in
            var deadlines = Deadlines()
            deadlines.close = .seconds(0.05)
            let (a, b) = try Socket.pair(loop, loop, deadlines: deadlines)
            let stream = PlainStream(a)
            let alarm = Alarm(loop: loop) { alarm in
                // A peer that never stops talking is not a reason to stay.
                _ = b.sendNow([0])
                alarm.set(inMilliseconds: 5)
            }
            alarm.set(inMilliseconds: 5)
            #expect(await stream.close()?.code == .closeTimedOut)
            alarm.clearDue()
        }
    }

    @Test func close_returns_afterAFailure() async throws {
        try await onLoop { loop in
            let (a, b) = try await Carrier.pair.streams(on: loop)
            a.channel.fail(StreamError(.idleTimedOut, "silence"))
            #expect(await a.close()?.code == .idleTimedOut)
            // The peer learns of the end all the same.
            #expect(try await b.readText() == nil)
        }
    }

    @Test(arguments: Carrier.allCases)
    func close_saysThatThePeerReset(carrier: Carrier) async throws {
        try await onLoop { loop in
            let a = try await abandonedStream(carrier, isReset: true, on: loop)
            #expect(await a.close()?.code == .reset)
        }
    }

    @Test func cancelledClose_doesNotWait() async throws {
        try await onLoop { loop in
            let (a, b) = try await Carrier.pair.streams(on: loop)
            let closing = loop.spawn { await a.close() }
            await turns(5)
            closing.cancel()
            #expect(await closing.value?.code == .cancelled)
            #expect(try await b.readText() == nil)
        }
    }

    @Test func deadlines_areWhatTheyWereSetTo_inEightBytesEach() {
        var deadlines = Deadlines()
        #expect(MemoryLayout<Deadlines>.size == 4 * 8)
        #expect(deadlines.handshake == .seconds(10) && deadlines.idle == .seconds(300))
        deadlines.idle = .nanoseconds(1)
        #expect(deadlines.idle == .nanoseconds(1))
        // A third of it would be due as soon as it is set.
        #expect(deadlines.ping == .zero)
        deadlines.idle = .nanoseconds(8)
        #expect(deadlines.ping == .nanoseconds(2))
        deadlines.idle = .seconds(31_536_000)
        #expect(deadlines.idle == .seconds(31_536_000))
        deadlines.idle = Duration(attoseconds: .max)
        #expect(deadlines.idle == .nanoseconds(Int64.max))
        deadlines.idle = .seconds(-1)
        #expect(deadlines.idle == .zero)
    }
}
