// A session is over.
// SPDX-License-Identifier: Apache-2.0

/// From the network process: a session that was served is over, to be recorded. Its client may not have
/// been told yet.
package struct EndedPost: Message, Equatable {
    package static var kind: PostKind { .ended }

    package var handle: Handle
    /// Why, as a word or a sentence.
    package var reason: String
    package var bytesIn: UInt64
    package var bytesOut: UInt64
    package var nanoseconds: UInt64
    /// Whether an error has ended it.
    package var hasFailed: Bool

    package init(
        handle: Handle, reason: String, bytesIn: UInt64, bytesOut: UInt64, duration: Duration,
        hasFailed: Bool = false
    ) {
        self.handle = handle
        self.reason = reason
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
        nanoseconds = duration.inNanoseconds
        self.hasFailed = hasFailed
    }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        handle = try reader.readUInt32()
        reason = try reader.text(atMost: Longest.sentence)
        bytesIn = try reader.readUInt64()
        bytesOut = try reader.readUInt64()
        nanoseconds = try reader.readUInt64()
        hasFailed = try reader.bool()
    }

    package func write(to writer: inout PacketWriter) {
        writer.add(handle)
        writer.add(sentence: reason)
        writer.add(bytesIn)
        writer.add(bytesOut)
        writer.add(nanoseconds)
        writer.add(hasFailed)
    }
}

/// From the network process: a session's connection is closed, and its handle is not used any more. A program
/// that is still running is killed.
package struct ClosedPost: Message, Equatable {
    package static var kind: PostKind { .closed }

    package var handle: Handle

    package init(handle: Handle) { self.handle = handle }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        handle = try reader.readUInt32()
    }

    package func write(to writer: inout PacketWriter) { writer.add(handle) }
}
