// What the network process must do.
// SPDX-License-Identifier: Apache-2.0

/// From the broker: what all loops of the network process must do, in the order of these posts.
package struct OrderPost: Message, Equatable {
    package static var kind: PostKind { .order }

    package enum Order: UInt8, Sendable, CaseIterable {
        /// No more connections are accepted, and nothing is started: the server is shutting down. From here on each
        /// loop reports how many connections it has (`OpenPost`).
        case stopAccepting = 1
        /// Sessions of messages that owe their client nothing end.
        case endMessageSessions = 2
        /// Remote sessions that owe their client nothing end. None of them runs anything.
        case endRemoteSessions = 3
        /// All sessions end, as soon as they have told their peers.
        case cancelSessions = 4
        /// The process ends.
        case stop = 5
    }

    package var order: Order

    package init(_ order: Order) { self.order = order }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        guard let order = Order(rawValue: try reader.readUInt8()) else {
            throw reader.malformed("gives an unknown order")
        }
        self.order = order
    }

    package func write(to writer: inout PacketWriter) { writer.add(order.rawValue) }
}
