// The network process is alive.
// SPDX-License-Identifier: Apache-2.0

/// From the network process: all of its loops have turned since a `PulsePost`.
package struct AlivePost: Message, Equatable {
    package static var kind: PostKind { .alive }

    /// The number of the pulse.
    package var number: UInt64

    package init(number: UInt64) { self.number = number }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        number = try reader.readUInt64()
    }

    package func write(to writer: inout PacketWriter) { writer.add(number) }
}
