// The fixed replies of a command table, as both protocols send them.
// SPDX-License-Identifier: Apache-2.0
public import Commands
public import Conversations
internal import Remote
internal import System

/// A command whose reply is fixed.
public struct FixedReply: Hashable, Sendable {
    public var name: String
    /// At most `Message.limit` bytes.
    public var text: String
    /// Whether the server closes the session after it.
    public var closes: Bool

    public init(name: String, text: String, closes: Bool) {
        self.name = name
        self.text = text
        self.closes = closes
    }
}

extension CommandTable {
    /// Those of its commands that start nothing.
    public var fixedReplies: [FixedReply] {
        entries.compactMap { entry in
            guard case .reply(let text, let closes) = entry.action else { return nil }
            return FixedReply(name: entry.name, text: text, closes: closes)
        }
    }
}

/// A table's replies, made once. Counting references to a copy that all loops share would make the
/// cores take its cache lines from each other at every reply, so each loop has its own.
public final class FixedReplies: Sendable {
    /// For sessions of messages.
    public let messages: ReplyTable
    private let replies: [Reply]

    /// A reply in parley/1.
    struct Reply: Sendable {
        /// A line of output and the exit.
        let frames: [UInt8]
        /// Whether the server closes the session after it.
        let closes: Bool
    }

    /// Those of a command table.
    public convenience init(_ table: CommandTable) { self.init(table.fixedReplies) }

    /// - Parameter fixed: replies whose names differ.
    public init(_ fixed: [FixedReply]) {
        var remote: [Reply] = []
        for reply in fixed {
            var frames: [UInt8] = []
            frames.append(.output, Array("\(reply.text)\n".utf8))
            remote.append(
                Reply(
                    frames: frames + Outcome.ended(.status(0)).frame, closes: reply.closes))
        }
        messages = ReplyTable(
            fixed.map { ($0.name, ReplyTable.Reply($0.text, closes: $0.closes)) },
            otherwise: ReplyTable.Reply("Unknown command."))
        replies = remote
    }

    /// The answer to a run without arguments; nil if the command doesn't have a fixed reply.
    func find(_ name: Span<UInt8>) -> Reply? { messages.find(name).map { replies[$0] } }
}
