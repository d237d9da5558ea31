// A client has shown its certificate.
// SPDX-License-Identifier: Apache-2.0

/// From the network process: a session's client has shown this chain, and its handshake went well.
package struct OpenedPost: Message, Equatable {
    package static var kind: PostKind { .opened }

    package var handle: Handle
    /// TLS's Certificate message with its header (RFC 8446, section 4.4.2), as `ClientChain` takes it.
    package var chain: [UInt8]

    package init(handle: Handle, chain: [UInt8]) {
        self.handle = handle
        self.chain = chain
    }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        handle = try reader.readUInt32()
        chain = try reader.bytes(atMost: Self.longestChain)
    }

    package func write(to writer: inout PacketWriter) {
        writer.add(handle)
        writer.add(bytes: chain)
    }

    private static let longestChain = 32_772
}
