// Messages between two processes that nobody waits for.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Sockets
import System
import Testing

@testable import Broker
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct PostChannelTests {
    @Test func messages_goBothWays_inTheirOrder() async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let (ours, theirs) = (try Posts(a, loop), try Posts(b, loop))
            for number in 0..<200 as Range<UInt8> {
                var packet = PacketWriter(1)
                packet.add(number)
                ours.channel.send(packet)
                theirs.channel.send(PacketWriter(number))
            }
            #expect(try await theirs.messages(200) == (0..<200).map { [1, $0] })
            #expect(try await ours.messages(200) == (0..<200).map { [$0] })
        }
    }

    // MARK: What doesn't go at once

    /// As long as several of a socket's buffers, and around the length of a packet.
    @Test(arguments: [1 << 20, 6, 65_527, 65_528, 65_529, 131_056, 131_057, 131_060])
    func message_ofAnyLength_goesBothWaysAtOnce(length: Int) async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let (ours, theirs) = (try Posts(a, loop), try Posts(b, loop))
            let long = message(length)
            for end in [ours, theirs] {
                end.channel.send(long)
                end.channel.send(PacketWriter(9))
            }
            for end in [ours, theirs] {
                #expect(try await end.messages(2) == [long.bytes, [9]])
                #expect(end.channel.queued == 0)
            }
        }
    }

    @Test func message_isSentOnLater_whereTheSocketIsFull() async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let other = Descriptor(owning: b)
            let posts = try Posts(a, loop)
            var sent: [[UInt8]] = []
            while posts.channel.queued < 100_000 {
                let next = message(1_000 + sent.count)
                posts.channel.send(next)
                sent.append(next.bytes)
            }
            #expect(posts.channel.isOpen)
            var assembly = MessageAssembly(limit: 1 << 20)
            var came: [[UInt8]] = []
            try await eventually("all messages") {
                while let packet = receiveRaw(other.number) {
                    let whole = try assembly.add(packet.span, hasDescriptors: false)
                    if let whole { came.append(whole) }
                }
                return came.count == sent.count
            }
            #expect(came == sent)
            #expect(posts.channel.queued == 0)
            #expect(posts.ends.isEmpty)
        }
    }

    /// Else each message would wake who has sent it once more: when the peer has read it, and there is room for another.
    @Test func aPeerThatReads_wakesNobodyWhoHasNothingToSend() async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let other = Descriptor(owning: b)
            let posts = try Posts(a, loop)
            func turnsOfAPause(reading: Bool) async -> UInt64 {
                posts.channel.send(PacketWriter(1))
                await turns(2)
                let later = Bell()
                let timer = Timer(after: .milliseconds(50), on: loop) { later.ring() }
                let before = loop.turns
                if reading { #expect(receiveRaw(other.number) != nil) }
                await later.wait()
                withExtendedLifetime(timer) {}
                return loop.turns - before
            }
            let quiet = await turnsOfAPause(reading: false)
            #expect(await turnsOfAPause(reading: true) == quiet)
        }
    }

    /// A peer that doesn't read must not fill our memory, or keep what was for it.
    @Test func queue_hasABound() async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let other = Descriptor(owning: b)
            let posts = try Posts(a, loop, maxQueued: 100_000)
            while posts.channel.queued == 0 { posts.channel.send(message(60_000)) }
            let token = try Token()
            posts.channel.send(PacketWriter(1), descriptors: Descriptors(token.take()))
            #expect(posts.channel.isOpen && !token.isClosed)
            posts.channel.send(message(40_000))
            // Not within the call.
            #expect(!posts.channel.isOpen && posts.ends.isEmpty)
            try await eventually("the descriptor's end") { token.isClosed }
            #expect(posts.channel.queued == 0)
            posts.channel.send(PacketWriter(1))
            #expect(try await posts.endCode() == .notTaken)
            withExtendedLifetime(other) {}
        }
    }

    /// What costs little on its way costs more while it waits.
    @Test func queue_countsMessages_notOnlyTheirBytes() async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let other = Descriptor(owning: b)
            let posts = try Posts(a, loop, maxQueued: 100_000)
            var count = 0
            while posts.channel.isOpen, count < 10_000 {
                posts.channel.send(PacketWriter(1))
                count += 1
            }
            #expect(try await posts.endCode() == .notTaken)
            withExtendedLifetime(other) {}
        }
    }

    /// What was there before the loop saw any of it, and no event comes any more.
    @Test func flood_keepsNobodyWaiting_andNothingOfItIsLost() async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let other = Descriptor(owning: b)
            var count = 0
            while sendRaw(other.number, packet(1, 0, [1])) { count += 1 }
            #expect(count > 200)
            let posts = try Posts(a, loop)
            #expect(try await posts.messages(count).count == count)
            let turns = Dictionary(grouping: posts.turns, by: { $0 }).values.map(\.count)
            #expect(turns.allSatisfy { $0 <= 64 }, "\(turns)")
            // Whatever comes while it does.
            for _ in 0..<100 { sendRaw(other.number, packet(1, 0, [1])) }
            #expect(try await posts.messages(count + 100).count == count + 100)
            #expect(posts.ends.isEmpty)
        }
    }

    /// A flood from another thread: no edge is lost between a turn's last packet and the next.
    @Test func flood_fromAnotherThread_comesWhole() async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let sending = Background {
                let other = Descriptor(owning: b)
                var sent = 0
                while sent < 20_000 {
                    if sendRaw(other.number, packet(1, 0, [1])) { sent += 1 } else { sched_yield() }
                }
            }
            let posts = try Posts(a, loop)
            #expect(try await posts.messages(20_000).count == 20_000)
            try await sending.value()
            #expect(try await posts.end() == .closed)
        }
    }

    // MARK: Ends

    @Test func peersEnd_isTold_afterWhatItHasSent() async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let posts = try Posts(a, loop)
            for number in 0..<100 as Range<UInt8> { sendRaw(b, packet(1, 0, [number])) }
            close(b)
            #expect(try await posts.end() == .closed)
            #expect(posts.messages == (0..<100).map { [$0] })
        }
    }

    /// The kernel tells that before what the peer has sent.
    @Test func peerThatEndsWithoutReading_isHeardToItsEnd() async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let posts = try Posts(a, loop)
            posts.channel.send(PacketWriter(1))
            for number in 0..<100 as Range<UInt8> { sendRaw(b, packet(1, 0, [number])) }
            close(b)
            #expect(try await posts.end() == .closed)
            #expect(posts.messages == (0..<100).map { [$0] })
        }
    }

    @Test func peerThatHasEnded_isHeardToItsEnd_whereSendingFindsIt() async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let posts = try Posts(a, loop)
            for number in 0..<100 as Range<UInt8> { sendRaw(b, packet(1, 0, [number])) }
            close(b)
            let token = try Token()
            posts.channel.send(PacketWriter(1), descriptors: Descriptors(token.take()))
            #expect(!posts.channel.isOpen && token.comesToBeClosed && posts.messages.isEmpty)
            #expect(try await posts.end() == .closed)
            #expect(posts.messages == (0..<100).map { [$0] })
        }
    }

    /// It would never be told of its end otherwise.
    @Test func peerThatOnlyTakesNothing_hasEnded() async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let other = Descriptor(owning: b)
            let posts = try Posts(a, loop)
            shutdown(other.number, Int32(SHUT_RD))
            await turns(5)
            posts.channel.send(PacketWriter(1))
            #expect(try await posts.end() == .closed)
        }
    }

    @Test func peerThatEndsWithinAMessage_isTold() async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let posts = try Posts(a, loop)
            sendRaw(b, packet(Piece.room + 1, 0, bytes(Piece.room)))
            close(b)
            #expect(try await posts.endCode() == .endedEarly)
            #expect(posts.messages.isEmpty)
        }
    }

    @Test(
        arguments: [
            ("too long a packet", bytes(Piece.maxBytes + 1), .tooLarge),
            ("too long a message", packet(1_001, 0, bytes(1_001)), .tooLarge),
            ("a length that lies", packet(1_000, 0, bytes(999)), .malformed),
            ("a piece without its beginning", packet(1_000, 1, bytes(999)), .malformed),
            ("no message", packet(0, 0, []), .malformed),
        ] as [(String, [UInt8], PacketError.Code)])
    func packetThatLies_endsTheChannel(
        what: String, packet lie: [UInt8], code: PacketError.Code
    ) async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let other = Descriptor(owning: b)
            let posts = try Posts(a, loop, limit: 1_000)
            sendRaw(other.number, packet(1, 0, [1]))
            #expect(sendRaw(other.number, lie))
            sendRaw(other.number, packet(1, 0, [2]))
            #expect(try await posts.endCode() == code)
            #expect(posts.messages == [[1]])
            // What had come before it is gone with it.
            try await eventually("the end there") { receiveRaw(other.number) == [] }
        }
    }

    @Test func messageThatCannotBeRead_endsTheChannel() async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let other = Descriptor(owning: b)
            let posts = try Posts(a, loop)
            posts.handle = { post throws(PacketError) in try post.packet.end() }
            sendRaw(other.number, packet(1, 0, [1]))
            sendRaw(other.number, packet(2, 0, [1, 1]))
            sendRaw(other.number, packet(1, 0, [1]))
            #expect(try await posts.endCode() == .malformed)
            #expect(posts.messages == [[1], [1, 1]])
        }
    }

    @Test func channelThatIsClosed_callsNobody() async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let other = Descriptor(owning: b)
            let posts = try Posts(a, loop)
            let token = try Token()
            posts.handle = { [unowned posts] _ in posts.channel.close() }
            sendRaw(other.number, packet(1, 0, [1]), [token.number])
            sendRaw(other.number, packet(1, 0, [2]))
            token.letGo()
            try await eventually("the end there") { receiveRaw(other.number) == [] }
            await turns(5)
            #expect(posts.messages == [[1]])
            #expect(posts.ends.isEmpty && !posts.channel.isOpen && token.comesToBeClosed)
            posts.channel.send(PacketWriter(1))
            posts.channel.close()
        }
    }

    /// Whoever closes it needs no word of an end that was found just before.
    @Test func channelThatIsClosed_afterItsEnd_callsNobody() async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let other = Descriptor(owning: b)
            let posts = try Posts(a, loop, maxQueued: 10)
            while posts.channel.isOpen { posts.channel.send(message(60_000)) }
            posts.channel.close()
            await turns(5)
            #expect(posts.ends.isEmpty)
            withExtendedLifetime(other) {}
        }
    }
}
