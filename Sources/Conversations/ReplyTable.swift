// Fixed replies to fixed messages.
// SPDX-License-Identifier: Apache-2.0

/// A table of replies, looked up without a copy of the message and without counting references.
public final class ReplyTable: Sendable {
    public final class Reply: Sendable {
        let bytes: [UInt8]
        /// Whether the server closes after it.
        public let closes: Bool

        /// - Parameter text: at most `Message.limit` bytes.
        public init(_ text: String, closes: Bool = false) {
            precondition(text.utf8.count <= Message.limit)
            bytes = Array(text.utf8)
            self.closes = closes
        }
    }

    /// The replies of the messages, in the order in which they were given.
    private let replies: [Reply]
    /// By the low bits of a message's hash; at least as many buckets as messages.
    private let buckets: [[(message: [UInt8], number: Int)]]
    let otherwise: Reply

    /// - Parameters:
    ///   - replies: with their messages, which must be distinct.
    ///   - otherwise: the reply to any other message.
    public init(_ replies: [(message: String, reply: Reply)], otherwise: Reply) {
        self.replies = replies.map(\.reply)
        self.otherwise = otherwise
        var count = 1
        while count < replies.count { count *= 2 }
        var buckets = [[(message: [UInt8], number: Int)]](repeating: [], count: count)
        for (number, (message, _)) in replies.enumerated() {
            let bytes = Array(message.utf8)
            buckets[Self.hash(bytes.span) & (count - 1)].append((bytes, number))
        }
        self.buckets = buckets
    }

    /// The number of the reply that a message has, from 0; nil if it has none of its own.
    public func find(_ message: Span<UInt8>) -> Int? {
        for (candidate, number) in buckets[Self.hash(message) & (buckets.count - 1)]
        where Self.equal(candidate, message) { return number }
        return nil
    }

    /// - Parameter number: what `find` returned.
    func reply(_ number: Int?) -> Reply { number.map { replies[$0] } ?? otherwise }

    /// FNV-1a; only an administrator writes the table, so nobody else can cause collisions.
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
