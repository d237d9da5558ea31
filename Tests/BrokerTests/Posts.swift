// A channel that keeps what has come.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Sockets
import System

@testable import Broker
@testable import TestSupport

/// One end of a channel on a loop, with what it was told. Confined to the loop.
final class Posts {
    private(set) var channel: PostChannel!
    /// The bytes of each message.
    private(set) var messages: [[UInt8]] = []
    /// The number of the loop's turn in which each came.
    private(set) var turns: [UInt64] = []
    private(set) var ends: [PostEnd] = []
    /// What is done with the next messages; they keep their descriptors otherwise, which then close.
    var handle: (inout Post) throws(PacketError) -> Void = { _ in }

    init(
        _ number: Int32, _ loop: EventLoop, limit: Int = 2 << 20, maxQueued: Int = 8 << 20
    ) throws {
        channel = try PostChannel(
            owning: Descriptor(owning: number), loop: loop, limit: limit, maxQueued: maxQueued,
            received: { [unowned self] post throws(PacketError) in
                turns.append(loop.turns)
                messages.append(post.bytes)
                try handle(&post)
            },
            ended: { [unowned self] in ends.append($0) })
    }

    /// Waits for a number of messages.
    func messages(_ count: Int) async throws -> [[UInt8]] {
        try await eventually("\(count) messages") { messages.count >= count || !ends.isEmpty }
        return messages
    }

    /// Waits for its end.
    func end() async throws -> PostEnd {
        try await eventually("the channel's end") { !ends.isEmpty }
        await TestSupport.turns(5)
        return ends.count == 1 ? ends[0] : .failed(.malformed("it ended \(ends.count) times"))
    }

    /// The code of its end; nil where it was closed.
    func endCode() async throws -> PacketError.Code? {
        switch try await end() {
        case .closed: nil
        case .failed(let error): error.code
        }
    }
}
