// Nothing more comes of a handshake.
// SPDX-License-Identifier: Apache-2.0

/// Has whatever is kept by a handle forgotten. For a handshake that has failed, and a session of which nothing
/// else was told: that its connection is closed tells the same of all others.
package struct DropCall: Call, Equatable {
    package static var kind: CallKind { .drop }

    package var handle: Handle

    package init(handle: Handle) { self.handle = handle }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        handle = try reader.readUInt32()
    }

    package func write(to writer: inout PacketWriter) { writer.add(handle) }

    package struct Answer: CallAnswer, Equatable {
        package init() {}
        package init(reading reader: inout PacketReader) throws(PacketError) {}
        package func write(to writer: inout PacketWriter) {}
    }
}
