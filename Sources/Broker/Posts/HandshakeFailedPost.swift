// A handshake has failed.
// SPDX-License-Identifier: Apache-2.0

/// From the network process: there is no session, to be recorded.
package struct HandshakeFailedPost: Message, Equatable {
    package static var kind: PostKind { .handshakeFailed }

    package var handle: Handle
    /// As for a session.
    package var number: Int64
    package var address: String
    /// The load balancer's that forwards the connection, if it has named the client.
    package var balancer: String?
    package var code: String
    package var reason: String

    package init(
        handle: Handle, number: Int, address: String, balancer: String? = nil, code: String,
        reason: String
    ) {
        self.handle = handle
        self.number = Int64(number)
        self.address = address
        self.balancer = balancer
        self.code = code
        self.reason = reason
    }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        handle = try reader.readUInt32()
        number = try reader.readInt64()
        guard number > 0 else { throw reader.malformed("has the session number \(number)") }
        address = try reader.text(atMost: Longest.address)
        balancer = try reader.optional { (reader) throws(PacketError) in
            try reader.text(atMost: Longest.address)
        }
        code = try reader.text(atMost: Longest.word)
        reason = try reader.text(atMost: Longest.sentence)
    }

    package func write(to writer: inout PacketWriter) {
        writer.add(handle)
        writer.add(number)
        writer.add(text: address)
        writer.add(optional: balancer) { $0.add(text: $1) }
        writer.add(text: code)
        writer.add(sentence: reason)
    }
}
