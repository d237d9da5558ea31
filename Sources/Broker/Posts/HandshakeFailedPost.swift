// A handshake has failed.
// SPDX-License-Identifier: Apache-2.0

/// From the network process: there is no session, to be recorded.
package struct HandshakeFailedPost: Message, Equatable {
    package static var kind: PostKind { .handshakeFailed }

    package var handle: Handle
    /// As for a session.
    package var number: Int64
    package var address: String
    package var code: String
    package var reason: String

    package init(handle: Handle, number: Int, address: String, code: String, reason: String) {
        self.handle = handle
        self.number = Int64(number)
        self.address = address
        self.code = code
        self.reason = reason
    }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        handle = try reader.readUInt32()
        number = try reader.readInt64()
        guard number > 0 else { throw reader.malformed("has the session number \(number)") }
        address = try reader.text(atMost: Longest.address)
        code = try reader.text(atMost: Longest.word)
        reason = try reader.text(atMost: Longest.sentence)
    }

    package func write(to writer: inout PacketWriter) {
        writer.add(handle)
        writer.add(number)
        writer.add(text: address)
        writer.add(text: code)
        writer.add(sentence: reason)
    }
}
