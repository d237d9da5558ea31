// A policy is in force in all loops.
// SPDX-License-Identifier: Apache-2.0

/// From the network process: all of its loops use a policy that the broker has sent. Nothing is answered under an
/// earlier one after that.
package struct InForcePost: Message, Equatable {
    package static var kind: PostKind { .inForce }

    /// The policy's generation.
    package var generation: UInt64

    package init(generation: Int) { self.generation = UInt64(clamping: generation) }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        generation = try reader.readUInt64()
    }

    package func write(to writer: inout PacketWriter) { writer.add(generation) }
}
