// Fixed replies to fixed messages.
// SPDX-License-Identifier: Apache-2.0
public import Commands
internal import Programs

/// A table of replies, looked up without a copy of the message and without counting references.
public final class ReplyTable: Sendable {
    public final class Reply: Sendable {
        let bytes: [UInt8]
        /// The same in parley/1: a line of output and the exit.
        let frames: [UInt8]
        /// Whether the server closes after it.
        public let closes: Bool

        /// - Parameter text: at most `Message.limit` bytes.
        public init(_ text: String, closes: Bool = false) {
            precondition(text.utf8.count <= Message.limit)
            bytes = Array(text.utf8)
            self.closes = closes
            var frames: [UInt8] = []
            frames.append(.output, bytes + [UInt8(ascii: "\n")])
            self.frames = frames + Outcome.ended(.status(0)).frame
        }
    }

    /// By the low bits of a message's hash; at least as many buckets as messages.
    private let buckets: [[(message: [UInt8], reply: Reply)]]
    let otherwise: Reply

    /// - Parameter otherwise: the reply to any message that has none of its own.
    public init(_ replies: [String: Reply], otherwise: Reply) {
        self.otherwise = otherwise
        var count = 1
        while count < replies.count { count *= 2 }
        var buckets = [[(message: [UInt8], reply: Reply)]](repeating: [], count: count)
        for (message, reply) in replies {
            let bytes = Array(message.utf8)
            buckets[Self.hash(bytes.span) & (count - 1)].append((bytes, reply))
        }
        self.buckets = buckets
    }

    /// The fixed replies of a command table.
    public convenience init(_ table: CommandTable) {
        var replies: [String: Reply] = [:]
        for entry in table.entries {
            if case .reply(let text, let closes) = entry.action {
                replies[entry.name] = Reply(text, closes: closes)
            }
        }
        self.init(replies, otherwise: Reply("Unknown command."))
    }

    /// The third document's.
    public static let documents = ReplyTable(.documents)

    subscript(message: Span<UInt8>) -> Reply { find(message) ?? otherwise }

    /// The reply that was configured for a message; nil where there is none.
    func find(_ message: Span<UInt8>) -> Reply? {
        for (candidate, reply) in buckets[Self.hash(message) & (buckets.count - 1)]
        where Self.equal(candidate, message) { return reply }
        return nil
    }

    /// FNV-1a; only what an administrator wrote is in the table, so that nobody else can make it
    /// collide.
    private static func hash(_ bytes: Span<UInt8>) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in bytes.indices { hash = (hash ^ UInt64(bytes[index])) &* 0x100_0000_01b3 }
        return Int(truncatingIfNeeded: hash)
    }

    private static func equal(_ candidate: [UInt8], _ message: Span<UInt8>) -> Bool {
        guard candidate.count == message.count else { return false }
        for index in message.indices where candidate[index] != message[index] { return false }
        return true
    }
}
