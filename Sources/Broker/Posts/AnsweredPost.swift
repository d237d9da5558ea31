// An answer to a run without a program.
// SPDX-License-Identifier: Apache-2.0

/// From the broker: what a run prints before it exits with status 0.
package struct AnsweredPost: Message, Equatable {
    package static var kind: PostKind { .answered }

    package var handle: Handle
    package var text: String
    /// Whether the server closes the session after it.
    package var closes: Bool

    package init(handle: Handle, text: String, closes: Bool) {
        self.handle = handle
        self.text = text
        self.closes = closes
    }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        handle = try reader.readUInt32()
        text = try reader.text(atMost: Longest.text)
        closes = try reader.bool()
    }

    package func write(to writer: inout PacketWriter) {
        writer.add(handle)
        writer.add(text: text)
        writer.add(closes)
    }
}
