// Connections that never became a session, reported together.
// SPDX-License-Identifier: Apache-2.0

/// From the network process: how many handshakes from an address have failed, or connections were closed before they had
/// one, that were not reported individually.
package struct StrangersPost: Message, Equatable {
    package static var kind: PostKind { .strangers }

    /// Without a port, or a /64; nil if they came from several.
    package var address: String?
    /// From how many addresses.
    package var addresses: UInt32
    /// How many connections.
    package var count: UInt32
    /// The most frequent reason: the kind of failure, and a sentence.
    package var code: String
    package var reason: String
    /// All reasons with their counts; empty for a single connection.
    package var reasons: [Reason]
    /// The period in which they came.
    package var seconds: UInt32

    package struct Reason: Equatable, Sendable {
        package var code: String
        package var count: UInt32

        package init(code: String, count: Int) {
            self.code = code
            self.count = UInt32(clamping: count)
        }
    }

    package init(
        address: String?, addresses: Int, count: Int, code: String, reason: String,
        reasons: [Reason], seconds: Int
    ) {
        self.address = address
        self.addresses = UInt32(clamping: addresses)
        self.count = UInt32(clamping: count)
        self.code = code
        self.reason = reason
        self.reasons = reasons
        self.seconds = UInt32(clamping: seconds)
    }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        address = try reader.optional { (reader) throws(PacketError) in
            try reader.text(atMost: Longest.address)
        }
        addresses = try reader.readUInt32()
        count = try reader.readUInt32()
        code = try reader.text(atMost: Longest.word)
        reason = try reader.text(atMost: Longest.sentence)
        reasons = try reader.list(atMost: Self.maxReasons) { (reader) throws(PacketError) in
            let code = try reader.text(atMost: Longest.word)
            return Reason(code: code, count: Int(try reader.readUInt32()))
        }
        seconds = try reader.readUInt32()
    }

    package func write(to writer: inout PacketWriter) {
        writer.add(optional: address) { $0.add(text: $1) }
        writer.add(addresses)
        writer.add(count)
        writer.add(text: code)
        writer.add(sentence: reason)
        writer.add(list: reasons) {
            $0.add(text: $1.code)
            $0.add($1.count)
        }
        writer.add(seconds)
    }

    /// More are not told apart.
    package static let maxReasons = 8
}
