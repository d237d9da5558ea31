// A program must be ended.
// SPDX-License-Identifier: Apache-2.0

/// From the network process: the session's program must be ended with everything it started.
package struct StopPost: Message, Equatable {
    package static var kind: PostKind { .stop }

    /// Why. The first reason becomes the command's outcome.
    package enum Reason: UInt8, CaseIterable, Sendable {
        /// Whoever asked for it need not be told why: its client, or whoever is stopping the
        /// server.
        case ordered = 0
        /// It wrote more than its limit.
        case overOutput = 1
    }

    package var handle: Handle
    package var reason: Reason

    package init(handle: Handle, reason: Reason) {
        self.handle = handle
        self.reason = reason
    }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        handle = try reader.readUInt32()
        guard let reason = Reason(rawValue: try reader.readUInt8()) else {
            throw reader.malformed("names an unknown reason to stop a program")
        }
        self.reason = reason
    }

    package func write(to writer: inout PacketWriter) {
        writer.add(handle)
        writer.add(reason.rawValue)
    }
}
