// Messages that are on their way into a channel's socket.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// A message, how much of it was sent, and its descriptors, which are closed once they were sent, or when
/// it is gone.
final class Outgoing {
    private var bytes: [UInt8]
    private var sent = 0
    private var descriptors: Descriptors
    private let otherwise: PacketWriter?

    /// - Parameter otherwise: what says that the descriptors can't come.
    init(
        _ packet: PacketWriter, _ descriptors: consuming Descriptors = Descriptors(),
        otherwise: PacketWriter? = nil
    ) {
        bytes = packet.bytes
        self.descriptors = descriptors
        self.otherwise = otherwise
    }

    /// Gives its descriptors up, which the system takes from nobody now: they are closed, and the message is
    /// another one. Descriptors go with a message's first packet, so that nothing of it was sent yet.
    ///
    /// - Returns: whether there is another one.
    func giveDescriptorsUp() -> Bool {
        guard let otherwise, sent == 0 else { return false }
        bytes = otherwise.bytes
        descriptors = Descriptors()
        return true
    }

    /// What it takes while it waits: its bytes, and what it costs to keep any.
    var cost: Int { bytes.count + 256 }

    /// Sends what the socket takes.
    ///
    /// - Parameter waits: until it has taken all.
    /// - Returns: 0 where all of it was sent; EAGAIN where the rest has no room now, or had none in the
    ///   socket's time; ETOOMANYREFS where too many descriptors of this user are on their way, of any of its
    ///   processes; another `errno` where it never will.
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

/// Messages that wait for room in a socket, the oldest one first.
struct OutgoingQueue {
    private var messages: [Outgoing] = []
    /// How many of `messages` are gone.
    private var gone = 0
    /// What all of them take.
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
        // Not each time, which would move all of those that wait.
        if gone > messages.count / 2 {
            messages.removeFirst(gone)
            gone = 0
        }
    }
}
