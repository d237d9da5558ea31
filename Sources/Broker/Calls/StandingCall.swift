// Whether a session's client is still accepted.
// SPDX-License-Identifier: Apache-2.0

/// Asks for a session's client to be verified again, under what is in force now.
package struct StandingCall: Call, Equatable {
    package static var kind: CallKind { .standing }

    package var handle: Handle

    package init(handle: Handle) { self.handle = handle }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        handle = try reader.readUInt32()
    }

    package func write(to writer: inout PacketWriter) { writer.add(handle) }

    package typealias Answer = ChainAnswer
}
