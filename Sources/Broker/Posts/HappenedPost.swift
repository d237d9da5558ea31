// Something has happened in a session that ends the server.
// SPDX-License-Identifier: Apache-2.0

/// From the network process: a session has ended in a way that ends the server.
package struct HappenedPost: Message, Equatable {
    package static var kind: PostKind { .happened }

    package enum Event: UInt8, Sendable {
        /// The operator has left.
        case operatorHasLeft = 1
        /// The one session of `--once` is over.
        case onceIsOver = 2
    }

    package var event: Event

    package init(_ event: Event) { self.event = event }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        guard let event = Event(rawValue: try reader.readUInt8()) else {
            throw reader.malformed("reports an unknown event")
        }
        self.event = event
    }

    package func write(to writer: inout PacketWriter) { writer.add(event.rawValue) }
}
