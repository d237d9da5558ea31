// Messages on their way into a channel's socket.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// A message, how much of it was sent, and its descriptors, which are closed once they were sent or when
/// it is released.
final class Outgoing {
    private var bytes: [UInt8]
    private var sent = 0
    private var descriptors: Descriptors
    private let otherwise: PacketWriter?

    /// - Parameter otherwise: a message that says that the descriptors can't come.
    init(
        _ packet: PacketWriter, _ descriptors: consuming Descriptors = Descriptors(),
        otherwise: PacketWriter? = nil
    ) {
        bytes = packet.bytes
        self.descriptors = descriptors
        self.otherwise = otherwise
    }

    /// Gives up its descriptors, which the system accepts from nobody at present: they are closed, and the
    /// message is replaced. Descriptors are sent with a message's first packet, so nothing of it was sent
    /// yet.
    ///
    /// - Returns: whether there is a replacement.
    func giveDescriptorsUp() -> Bool {
        guard let otherwise, sent == 0 else { return false }
        bytes = otherwise.bytes
        descriptors = Descriptors()
        return true
    }

    /// How much it occupies while it waits: its bytes, plus the cost of keeping any message.
    var cost: Int { bytes.count + 256 }

    /// Sends as much as the socket accepts.
    ///
    /// - Parameter waits: until it has accepted everything.
    /// - Returns: 0 if everything was sent; EAGAIN if there is no room for the rest now, or was none within
    ///   the socket's timeout; ETOOMANYREFS if too many of this user's descriptors are in flight, in any of
    ///   its processes; another `errno` if it never will be sent.
    func send(to socket: Int32, waits: Bool) -> Int32 {
        let bytes = bytes
        while sent < bytes.count {
            let piece = Piece(total: bytes.count, offset: sent)
            let length = piece.length(room: Piece.room)
            let failure = sendPacket(
                to: socket, piece.head, bytes.span.extracting(sent..<(sent + length)), descriptors,
                waits: waits)
            guard failure == 0 else { return failure }
            descriptors = Descriptors()
            sent += length
        }
        return 0
    }
}

/// Messages that are waiting for room in a socket, oldest first.
struct OutgoingQueue {
    private var messages: [Outgoing] = []
    /// How many of `messages` have been removed.
    private var gone = 0
    /// How much all of them occupy.
    private(set) var cost = 0

    var first: Outgoing? { gone < messages.count ? messages[gone] : nil }

    mutating func append(_ message: Outgoing) {
        messages.append(message)
        cost += message.cost
    }

    /// There must be one.
    mutating func removeFirst() {
        cost -= messages[gone].cost
        gone += 1
        // Not each time, which would move everything that waits.
        if gone > messages.count / 2 {
            messages.removeFirst(gone)
            gone = 0
        }
    }
}
