// What the two processes tell each other about a session, without waiting for an answer.
// SPDX-License-Identifier: Apache-2.0
internal import Remote

/// A message on a post channel. Each has a file with both its halves; the side that reads it must
/// not trust its sender.
package protocol Message {
    static var kind: PostKind { get }
    /// Reads what follows the kind, to its last byte.
    init(reading reader: inout PacketReader) throws(PacketError)
    func write(to writer: inout PacketWriter)
}

/// A message's first byte. The network process sends those below 64, the broker those above.
package enum PostKind: UInt8, CaseIterable, Sendable {
    case began = 2
    case run = 3
    case stop = 4
    case heldUp = 5
    case told = 6
    case replied = 7
    case unread = 8
    case message = 9
    case ended = 10
    case handshakeFailed = 11
    case closed = 12
    case ends = 13
    case omitted = 14
    case open = 15
    case strangers = 16
    // On the control channel:
    case ready = 32
    case happened = 33
    case ask = 34
    case askNoMore = 35
    case inForce = 36
    case alive = 37

    case answered = 64
    case refused = 65
    case started = 66
    case running = 67
    case probe = 68
    case done = 69
    case finished = 70
    // On the control channel:
    case settings = 96
    case policy = 97
    case order = 98
    case line = 99
    case pulse = 100

    /// Whether the broker sends it.
    package var isBrokers: Bool { rawValue >= 64 }
    /// Whether it goes over the one control channel of the two processes. The others are about sessions, or their
    /// number, and go over the channel of their loop.
    package var isControl: Bool { rawValue & 32 != 0 }
}

/// Which session of its channel a message is about, as the network process numbers them: from 1, never
/// reusing a number.
package typealias Handle = UInt32

extension Message {
    /// The complete message.
    package var packet: PacketWriter {
        var writer = PacketWriter(Self.kind.rawValue)
        write(to: &writer)
        return writer
    }
}

/// The maximum length of the parts of messages, in bytes.
enum Longest {
    /// A sentence for people.
    static let sentence = 4_096
    /// A word for programs: a code, a protocol.
    static let word = 64
    /// A peer's address with its port.
    static let address = 128
    /// A message of the tutorials, or a command's name.
    static let name = 32_768
    /// What `help` says about a table.
    static let text = 16 << 20
}

extension PacketWriter {
    /// A sentence as long as its reader accepts it; what is too long is cut off. Some contain parts of what a
    /// peer said.
    mutating func add(sentence: String) {
        guard sentence.utf8.count > Longest.sentence else { return add(text: sentence) }
        // A character that was cut is replaced by one of three bytes.
        add(text: String(decoding: sentence.utf8.prefix(Longest.sentence - 3), as: UTF8.self))
    }
}
