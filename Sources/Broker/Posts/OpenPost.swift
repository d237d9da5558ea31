// How many connections a loop has.
// SPDX-License-Identifier: Apache-2.0

/// From the network process: how many connections are open in its loop once the server is shutting down: when that
/// begins, and each time one has closed. What had to be said about those that are closed was said before.
package struct OpenPost: Message, Equatable {
    package static var kind: PostKind { .open }

    package var connections: UInt32

    package init(connections: Int) { self.connections = UInt32(clamping: connections) }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        connections = try reader.readUInt32()
    }

    package func write(to writer: inout PacketWriter) { writer.add(connections) }
}
