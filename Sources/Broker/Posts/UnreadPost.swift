// Something a session could not understand as a request, or may not have.
// SPDX-License-Identifier: Apache-2.0
package import Remote

/// From the network process: it has refused something without asking, to be recorded.
package struct UnreadPost: Message, Equatable {
    package static var kind: PostKind { .unread }

    package var handle: Handle
    /// The command's name; nil if it isn't known.
    package var name: String?
    package var refusal: Refusal

    package init(handle: Handle, name: String?, refusal: Refusal) {
        self.handle = handle
        self.name = name
        self.refusal = refusal
    }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        handle = try reader.readUInt32()
        name = try reader.optional { (reader) throws(PacketError) in
            try reader.text(atMost: Longest.name)
        }
        refusal = try Refusal(reading: &reader)
    }

    package func write(to writer: inout PacketWriter) {
        writer.add(handle)
        writer.add(optional: name) { $0.add(text: $1) }
        refusal.write(to: &writer)
    }
}
