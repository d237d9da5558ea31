// Nothing more comes of a handshake.
// SPDX-License-Identifier: Apache-2.0

/// Makes the broker forget whatever it keeps under a handle. For a handshake that has failed, and for a
/// session about which nothing else was said: for all others, the closing of the connection says the same.
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
