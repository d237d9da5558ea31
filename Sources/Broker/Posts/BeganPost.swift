// A session has begun.
// SPDX-License-Identifier: Apache-2.0

/// From the network process: its handshake is over, and it is being served.
package struct BeganPost: Message, Equatable {
    package static var kind: PostKind { .began }

    package var handle: Handle
    /// Its number among the sessions of all loops, counted from 1.
    package var number: Int64
    /// The client's address, which the broker has to take on trust.
    package var address: String
    /// The load balancer's that forwards the connection, if it has named the client.
    package var balancer: String?
    /// What is spoken: the protocol of TLS's ALPN, or the conversation.
    package var conversation: String

    package init(
        handle: Handle, number: Int, address: String, balancer: String? = nil,
        conversation: String
    ) {
        self.handle = handle
        self.number = Int64(number)
        self.address = address
        self.balancer = balancer
        self.conversation = conversation
    }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        handle = try reader.readUInt32()
        number = try reader.readInt64()
        guard number > 0 else { throw reader.malformed("has the session number \(number)") }
        address = try reader.text(atMost: Longest.address)
        balancer = try reader.optional { (reader) throws(PacketError) in
            try reader.text(atMost: Longest.address)
        }
        conversation = try reader.text(atMost: Longest.word)
    }

    package func write(to writer: inout PacketWriter) {
        writer.add(handle)
        writer.add(number)
        writer.add(text: address)
        writer.add(optional: balancer) { $0.add(text: $1) }
        writer.add(text: conversation)
    }
}
