// A run is refused.
// SPDX-License-Identifier: Apache-2.0
package import Remote

/// From the broker: a run starts nothing, with the reason.
package struct RefusedPost: Message, Equatable {
    package static var kind: PostKind { .refused }

    package var handle: Handle
    package var refusal: Refusal

    package init(handle: Handle, refusal: Refusal) {
        self.handle = handle
        self.refusal = refusal
    }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        handle = try reader.readUInt32()
        refusal = try Refusal(reading: &reader)
    }

    package func write(to writer: inout PacketWriter) {
        writer.add(handle)
        refusal.write(to: &writer)
    }
}

extension Refusal {
    init(reading reader: inout PacketReader) throws(PacketError) {
        guard let code = Code(rawValue: try reader.readUInt8()) else {
            throw reader.malformed("has an invalid refusal code")
        }
        self.init(code, try reader.text(atMost: Longest.sentence))
    }

    func write(to writer: inout PacketWriter) {
        writer.add(code.rawValue)
        writer.add(sentence: sentence)
    }
}
