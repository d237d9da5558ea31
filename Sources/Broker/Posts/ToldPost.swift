// A command's client was told of its end.
// SPDX-License-Identifier: Apache-2.0

/// From the network process: what the session's program has transferred. Nothing of it is read or
/// written any more.
package struct ToldPost: Message, Equatable {
    package static var kind: PostKind { .told }

    package var handle: Handle
    package var traffic: Traffic

    package init(handle: Handle, traffic: Traffic) {
        self.handle = handle
        self.traffic = traffic
    }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        handle = try reader.readUInt32()
        traffic = Traffic(
            bytesIn: Int(clamping: try reader.readUInt64()),
            bytesOut: Int(clamping: try reader.readUInt64()),
            bytesError: Int(clamping: try reader.readUInt64()), isOverLimit: try reader.bool())
    }

    package func write(to writer: inout PacketWriter) {
        writer.add(handle)
        writer.add(UInt64(traffic.bytesIn))
        writer.add(UInt64(traffic.bytesOut))
        writer.add(UInt64(traffic.bytesError))
        writer.add(traffic.isOverLimit)
    }
}

/// What a program has transferred, as counted by whoever moves its bytes.
package struct Traffic: Equatable, Sendable {
    /// Bytes of input that came for it.
    package var bytesIn = 0
    /// Bytes that it wrote to its output within its limit, whether or not anybody took them.
    package var bytesOut = 0
    /// The same for its error output; the limit is for both together.
    package var bytesError = 0
    /// It wrote more than its limit; the excess was discarded.
    package var isOverLimit = false

    package init(
        bytesIn: Int = 0, bytesOut: Int = 0, bytesError: Int = 0, isOverLimit: Bool = false
    ) {
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
        self.bytesError = bytesError
        self.isOverLimit = isOverLimit
    }
}
