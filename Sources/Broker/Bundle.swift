// Several messages that travel as one.
// SPDX-License-Identifier: Apache-2.0

/// Messages on their way out that travel together. Each packet wakes the other process by itself; if both share a core,
/// it runs at once, finds the one message, and sleeps again before the next is sent.
///
/// A bundle is a message of type 255 with other messages as its fields, each preceded by its length. It has no
/// descriptors.
struct Bundle {
    static let type: UInt8 = 255
    /// Of posts, in bytes, with the lengths: much less than any message may have, and one packet.
    static let longest = 8_192

    private let longest: Int
    private var messages: [PacketWriter] = []
    /// Of the bundle, in bytes.
    private(set) var size = 0

    init(longest: Int = Bundle.longest) { self.longest = longest }

    var count: Int { messages.count }
    var isEmpty: Bool { messages.isEmpty }

    func hasRoom(for message: PacketWriter) -> Bool {
        1 + size + Self.room(message) <= longest
    }

    /// There must be room.
    mutating func add(_ message: PacketWriter) {
        messages.append(message)
        size += Self.room(message)
    }

    /// How much of a bundle it takes, in bytes.
    static func room(_ message: PacketWriter) -> Int { 4 + message.bytes.count }

    /// All of them as one message, leaving none; nil if there were none.
    mutating func take() -> PacketWriter? {
        guard let first = messages.first else { return nil }
        defer { self = Bundle(longest: longest) }
        guard messages.count > 1 else { return first }
        var bundle = PacketWriter(Self.type)
        for message in messages { bundle.add(bytes: message.bytes) }
        return bundle
    }
}

/// A bundle that has arrived: its messages, one after the other.
struct OpenedBundle {
    private var rest: PacketReader
    private let longest: Int

    /// - Parameter longest: how long a message in it may be.
    /// - Returns: nil if the message is no bundle.
    /// - Throws: `malformed` for one with descriptors, or without a message.
    init?(
        _ message: [UInt8], hasDescriptors: Bool = false, longest: Int = Bundle.longest
    ) throws(PacketError) {
        let reader = try PacketReader(message)
        guard reader.type == Bundle.type else { return nil }
        guard !hasDescriptors, reader.remaining > 0 else {
            throw reader.malformed("has descriptors, or no message in it")
        }
        rest = reader
        self.longest = longest
    }

    /// - Returns: nil after the last.
    /// - Throws: `malformed`.
    mutating func next() throws(PacketError) -> [UInt8]? {
        guard rest.remaining > 0 else { return nil }
        let message = try rest.bytes(atMost: longest)
        guard let type = message.first, type != Bundle.type else {
            throw rest.malformed("has an empty message or a message of its own type in it")
        }
        return message
    }
}
