// Replies that the network process has given by itself.
// SPDX-License-Identifier: Apache-2.0

/// From the network process: consecutive fixed replies of the same name, to be recorded.
package struct RepliedPost: Message, Equatable {
    package static var kind: PostKind { .replied }

    package var handle: Handle
    package var name: [UInt8]
    package var times: UInt32

    package init(handle: Handle, name: [UInt8], times: Int) {
        self.handle = handle
        self.name = name
        self.times = UInt32(clamping: times)
    }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        handle = try reader.readUInt32()
        name = try reader.bytes(atMost: Longest.name)
        times = try reader.readUInt32()
    }

    package func write(to writer: inout PacketWriter) {
        writer.add(handle)
        writer.add(bytes: name)
        writer.add(times)
    }
}
