// How a message travels over a channel: as one packet or several.
// SPDX-License-Identifier: Apache-2.0

/// A packet of a channel: an 8-byte header, followed by a piece of a message.
///
/// ```
///  0        4        8
///  | total  | offset | bytes of the message from `offset` on ...
/// ```
///
/// Both are big-endian. `total` is the length of the whole message, at least 1, which the receiver compares
/// with its limit before making room for it; `offset` is where the piece belongs in it. The packets of a
/// message follow one another without others in between, and each is as full as it can be, so there is only one
/// way to send a message and nobody can send one as a million packets. Its descriptors come with its first
/// packet.
///
/// A packet has at most 65,536 bytes, because the kernel copies it in one go and accepts it only if a send
/// buffer can hold all of it: an ordinary user's buffer holds three.
struct Piece {
    static let headLength = 8
    /// A whole packet.
    static let maxBytes = 65_536
    /// How much of a message fits into a packet.
    static let room = maxBytes - headLength

    let total: Int
    let offset: Int

    init(total: Int, offset: Int) {
        self.total = total
        self.offset = offset
    }

    /// Reads a packet's header.
    init(reading packet: Span<UInt8>) throws(PacketError) {
        guard packet.count > Self.headLength else {
            throw .malformed("a packet of \(packet.count) bytes contains no part of a message")
        }
        func number(at start: Int) -> Int {
            (start..<(start + 4)).reduce(0) { $0 << 8 | Int(packet[$1]) }
        }
        total = number(at: 0)
        offset = number(at: 4)
    }

    /// The header; in memory it is as it travels.
    var head: UInt64 { (UInt64(UInt32(total)) << 32 | UInt64(UInt32(offset))).bigEndian }

    /// How much of the message is in it.
    ///
    /// - Parameter room: how much of a message fits into a packet.
    func length(room: Int) -> Int { min(room, total - offset) }
}
