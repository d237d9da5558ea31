// Reassembles the messages of a channel.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// Joins the packets of one direction of a channel. It holds at most one incomplete message, which is
/// within the limit.
struct MessageAssembly {
    private let limit: Int
    private let room: Int
    private var partial: [UInt8] = []
    /// The length of the message that `partial` begins.
    private var total = 0

    /// - Parameters:
    ///   - limit: the maximum length of a message in bytes.
    ///   - room: how much of a message a packet holds.
    init(limit: Int, room: Int = Piece.room) {
        self.limit = limit
        self.room = room
    }

    /// Whether part of a message has arrived, but not all of it.
    var isPartial: Bool { !partial.isEmpty }

    /// - Returns: a message that this packet completes; never an empty one.
    /// - Throws: `tooLarge`, `malformed`; `descriptors` if they come with any but a message's first packet.
    ///   Nothing can be added after that.
    mutating func add(
        _ packet: Span<UInt8>, hasDescriptors: Bool
    ) throws(PacketError) -> [UInt8]? {
        let piece = try Piece(reading: packet)
        guard piece.offset == partial.count else {
            throw .malformed("a packet begins at \(piece.offset) instead of \(partial.count)")
        }
        if isPartial {
            guard piece.total == total else {
                throw .malformed(
                    "the length of a message changed from \(total) to \(piece.total) bytes")
            }
            guard !hasDescriptors else {
                throw PacketError(
                    .descriptors, "the other process sent descriptors in the middle of a message")
            }
        } else {
            guard piece.total <= limit else {
                throw PacketError(
                    .tooLarge,
                    "the other process sent a message of \(piece.total) bytes; the limit is \(limit)"
                )
            }
        }
        let bytes = packet.extracting(droppingFirst: Piece.headLength)
        // Even if its length is given as 0.
        guard bytes.count == piece.length(room: room) else {
            throw .malformed("a packet of a message of \(piece.total) bytes has \(bytes.count)")
        }
        guard piece.total > bytes.count else { return Array(bytes) }
        if !isPartial {
            total = piece.total
            partial.reserveCapacity(total)
        }
        partial.append(contentsOf: bytes)
        guard partial.count == total else { return nil }
        defer { partial = [] }
        return partial
    }
}
