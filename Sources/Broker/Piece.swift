// How a message goes over a channel: one packet, or several.
// SPDX-License-Identifier: Apache-2.0

/// A packet of a channel: a head of 8 bytes, and a piece of a message behind it.
///
/// ```
///  0        4        8
///  | total  | offset | bytes of the message from `offset` on ...
/// ```
///
/// Both are big-endian. `total` is the whole message's length, from 1 on, which its receiver compares with
/// its limit before it makes room for it; `offset` is where the piece stands in it. The packets of a message
/// follow each other, with no other between them, and each is as full as it can be, so that there is one way to
/// send a message and nobody can send one in a million of them. Its descriptors come with its first packet.
///
/// A packet has at most 65,536 bytes, since the kernel copies it in one go, and takes one only where a send
/// buffer can hold the whole of it: that of an ordinary user holds three.
struct Piece {
    static let headLength = 8
    /// A whole packet.
    static let mostBytes = 65_536
    /// What a packet has room for of a message.
    static let room = mostBytes - headLength

    let total: Int
    let offset: Int

    init(total: Int, offset: Int) {
        self.total = total
        self.offset = offset
    }

    /// Reads a packet's head.
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

    var head: [UInt8] {
        func byte(_ number: Int, _ shift: Int) -> UInt8 {
            UInt8(truncatingIfNeeded: number >> shift)
        }
        return [
            byte(total, 24), byte(total, 16), byte(total, 8), byte(total, 0),
            byte(offset, 24), byte(offset, 16), byte(offset, 8), byte(offset, 0),
        ]
    }

    /// How much of the message is in it.
    ///
    /// - Parameter room: what a packet has room for.
    func length(room: Int) -> Int { min(room, total - offset) }
}
