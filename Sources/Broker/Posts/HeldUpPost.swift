// Whether a program is waiting for its client.
// SPDX-License-Identifier: Apache-2.0

/// From the broker: asks whether the session's program can't continue because its client does not
/// read.
package struct ProbePost: Message, Equatable {
    package static var kind: PostKind { .probe }

    package var handle: Handle

    package init(handle: Handle) { self.handle = handle }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        handle = try reader.readUInt32()
    }

    package func write(to writer: inout PacketWriter) { writer.add(handle) }
}

/// From the network process: the answer to a `ProbePost`.
package struct HeldUpPost: Message, Equatable {
    package static var kind: PostKind { .heldUp }

    package var handle: Handle
    package var isHeldUp: Bool

    package init(handle: Handle, isHeldUp: Bool) {
        self.handle = handle
        self.isHeldUp = isHeldUp
    }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        handle = try reader.readUInt32()
        isHeldUp = try reader.bool()
    }

    package func write(to writer: inout PacketWriter) {
        writer.add(handle)
        writer.add(isHeldUp)
    }
}
