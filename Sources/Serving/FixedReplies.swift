// The fixed replies of a command table, as both protocols send them.
// SPDX-License-Identifier: Apache-2.0
public import Commands
public import Conversations
internal import Remote
internal import System

/// A table's replies, made once. Counting references to one that all loops share would have the cores
/// take its cache lines from each other at every reply, so that each loop has its own.
public final class FixedReplies: Sendable {
    /// For sessions of messages.
    public let messages: ReplyTable
    private let replies: [Reply]

    /// A reply in parley/1.
    struct Reply: Sendable {
        /// A line of output and the exit.
        let frames: [UInt8]
        /// Whether the server closes after it.
        let closes: Bool
    }

    /// Those of a command table.
    public init(_ table: CommandTable) {
        var replies: [(message: String, reply: ReplyTable.Reply)] = []
        var remote: [Reply] = []
        for entry in table.entries {
            guard case .reply(let text, let closes) = entry.action else { continue }
            replies.append((entry.name, ReplyTable.Reply(text, closes: closes)))
            var frames: [UInt8] = []
            frames.append(.output, Array("\(text)\n".utf8))
            remote.append(
                Reply(frames: frames + Outcome.ended(.status(0)).frame, closes: closes))
        }
        messages = ReplyTable(replies, otherwise: ReplyTable.Reply("Unknown command."))
        self.replies = remote
    }

    /// The answer to a run without arguments; nil where the command is not one with a fixed reply.
    func find(_ name: Span<UInt8>) -> Reply? { messages.find(name).map { replies[$0] } }
}
