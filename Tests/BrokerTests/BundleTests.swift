// Messages that are gathered, and travel together.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Sockets
import System
import Testing

@testable import Broker
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct BundleTests {
    @Test func gatheredMessages_leaveAsOne_beforeTheLoopWaits() async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let other = Descriptor(owning: b)
            let posts = try Posts(a, loop)
            for round in 0..<3 as Range<UInt8> {
                var bundle: [UInt8] = [255]
                for number in 3 * round..<3 * round + 3 {
                    posts.channel.gather(PacketWriter(number))
                    bundle += [0, 0, 0, 1, number]
                }
                #expect(receiveRaw(other.number) == nil && posts.channel.queued > 0)
                try await eventually("its end") { posts.channel.queued == 0 }
                #expect(receiveRaw(other.number) == packet(16, 0, bundle))
                #expect(receiveRaw(other.number) == nil)
            }
        }
    }

    /// Each counts as a packet does, so that one end can't keep the other's loop by sending them together.
    @Test func gatheredMessages_arriveOneByOne_andNoMoreInATurnThanPackets() async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let (ours, theirs) = (try Posts(a, loop), try Posts(b, loop))
            let all = (0..<200 as Range<UInt8>).map { [$0] }
            for message in all { ours.channel.gather(PacketWriter(message[0])) }
            #expect(try await theirs.messages(200) == all)
            let most = Dictionary(grouping: theirs.turns) { $0 }.values.map(\.count).max()
            #expect(most == 64)
        }
    }

    @Test(arguments: [
        ([255], 0), ([255, 0, 0, 0, 0], 0), ([255, 0, 0, 0, 2, 7], 0), ([255, 0, 0, 0, 1, 255], 0),
        ([255, 0, 0, 0, 1, 7, 0, 0, 0], 1), ([255, 0, 0, 0, 1, 7, 0, 0, 0, 1, 8, 0, 1, 0, 0], 2),
    ])
    func bundleThatIsNone_endsTheChannel_afterItsMessages(
        _ bundle: [UInt8], _ count: Int
    ) async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let other = Descriptor(owning: b)
            let posts = try Posts(a, loop)
            #expect(sendRaw(other.number, packet(bundle.count, 0, bundle)))
            #expect(try await posts.endCode() == .malformed)
            #expect(posts.messages == (7..<7 + UInt8(count)).map { [$0] })
        }
    }

    /// Nor may it bring descriptors, which belong to one message.
    @Test func bundleWithDescriptors_endsTheChannel() async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let other = Descriptor(owning: b)
            let posts = try Posts(a, loop)
            #expect(sendRaw(other.number, packet(6, 0, [255, 0, 0, 0, 1, 7]), [0]))
            #expect(try await posts.endCode() == .malformed)
            #expect(posts.messages.isEmpty)
        }
    }

    /// What somebody waits for takes along what was said before it, and waits for nothing.
    @Test func messageThatIsSent_takesTheGatheredOnesAlong() async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let other = Descriptor(owning: b)
            let posts = try Posts(a, loop)
            posts.channel.gather(PacketWriter(1))
            posts.channel.send(PacketWriter(2))
            posts.channel.gather(PacketWriter(3))
            #expect(receiveRaw(other.number) == packet(1, 0, [1]))
            #expect(receiveRaw(other.number) == packet(1, 0, [2]))
            #expect(receiveRaw(other.number) == nil)
            // Neither its end nor the loop's may lose it.
            posts.channel.close()
            #expect(receiveRaw(other.number) == packet(1, 0, [3]))
            #expect(receiveRaw(other.number) == [])
        }
    }

    @Test func gatheredMessages_waitForRoom_andHaveABound() async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let other = Descriptor(owning: b)
            let posts = try Posts(a, loop, maxQueued: 100_000)
            while posts.channel.queued == 0 { posts.channel.send(message(60_000)) }
            posts.channel.gather(PacketWriter(1))
            await turns(3)
            #expect(posts.channel.queued > 0 && posts.channel.isOpen)
            posts.channel.gather(message(40_000))
            #expect(!posts.channel.isOpen && posts.ends.isEmpty)
            #expect(try await posts.endCode() == .notTaken)
            withExtendedLifetime(other) {}
        }
    }

    /// However much a turn has to say: a reader that keeps up has taken nothing too late.
    @Test func muchThatIsGathered_leavesBeforeTheTurnsEnd() async throws {
        try await onLoop { loop in
            let (a, b) = try pair()
            let other = Descriptor(owning: b)
            let posts = try Posts(a, loop, maxQueued: 100_000)
            var taken = 0
            for _ in 0..<300 {
                posts.channel.gather(message(1_000))
                #expect(posts.channel.isOpen && posts.channel.queued <= Bundle.longest)
                while receiveRaw(other.number) != nil { taken += 1 }
            }
            #expect(taken > 30)
        }
    }

    /// A loop that isn't running yet gets to the end of a turn before it waits for anything.
    @Test func messageThatIsGatheredBeforeTheLoopRuns_isSent() async throws {
        let loop = try EventLoop()
        let (a, b) = try pair()
        let other = Descriptor(owning: b)
        let posts = try Posts(a, loop)
        posts.channel.gather(PacketWriter(1))
        try loop.start()
        try await eventually("the message") { receiveRaw(other.number) == packet(1, 0, [1]) }
        loop.stop()
        loop.join()
        withExtendedLifetime(posts) {}
    }
}
