// What a session has not reported.
// SPDX-License-Identifier: Apache-2.0

/// From the network process: how much was given or refused that is not reported individually because there
/// was too much of it.
package struct OmittedPost: Message, Equatable {
    package static var kind: PostKind { .omitted }

    package var handle: Handle
    /// How many records these would have been.
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
