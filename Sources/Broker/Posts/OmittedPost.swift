// What a session has not told of.
// SPDX-License-Identifier: Apache-2.0

/// From the network process: so much was given or refused that is not told one by one, since it was too much.
package struct OmittedPost: Message, Equatable {
    package static var kind: PostKind { .omitted }

    package var handle: Handle
    /// How many records they would have been.
    package var records: UInt32
    /// How many of the session's commands.
    package var commands: UInt32

    package init(handle: Handle, records: Int, commands: Int) {
        self.handle = handle
        self.records = UInt32(clamping: records)
        self.commands = UInt32(clamping: commands)
    }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        handle = try reader.readUInt32()
        records = try reader.readUInt32()
        commands = try reader.readUInt32()
    }

    package func write(to writer: inout PacketWriter) {
        writer.add(handle)
        writer.add(records)
        writer.add(commands)
    }
}
