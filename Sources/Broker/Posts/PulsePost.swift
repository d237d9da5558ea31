// Whether the network process is alive.
// SPDX-License-Identifier: Apache-2.0

/// From the broker: each loop of the network process must show that it is still turning, and that its signing side
/// answers. `AlivePost` follows when all have.
package struct PulsePost: Message, Equatable {
    package static var kind: PostKind { .pulse }

    /// Counts the pulses.
    package var number: UInt64

    package init(number: UInt64) { self.number = number }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        number = try reader.readUInt64()
    }

    package func write(to writer: inout PacketWriter) { writer.add(number) }
}
