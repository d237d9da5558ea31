// A message of the tutorials that was answered.
// SPDX-License-Identifier: Apache-2.0

/// From the network process: a message and whether the table has a reply to it, to be recorded.
package struct MessagePost: Message, Equatable {
    package static var kind: PostKind { .message }

    package var handle: Handle
    package var message: [UInt8]
    package var isKnown: Bool

    package init(handle: Handle, message: [UInt8], isKnown: Bool) {
        self.handle = handle
        self.message = message
        self.isKnown = isKnown
    }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        handle = try reader.readUInt32()
        message = try reader.bytes(atMost: Longest.name)
        isKnown = try reader.bool()
    }

    package func write(to writer: inout PacketWriter) {
        writer.add(handle)
        writer.add(bytes: message)
        writer.add(isKnown)
    }
}
