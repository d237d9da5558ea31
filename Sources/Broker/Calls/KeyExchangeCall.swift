// The server's signature in a handshake of TLS 1.2.
// SPDX-License-Identifier: Apache-2.0

/// Asks for the signature in a ServerKeyExchange. Such a handshake proves no identity; its client's
/// chain is verified under the same handle.
package struct KeyExchangeCall: Call, Equatable {
    package static var kind: CallKind { .keyExchange }

    package var handle: Handle
    /// The key's number.
    package var key: UInt32
    /// The SignatureScheme's number.
    package var scheme: UInt16
    /// Both randoms, and the key exchange's parameters.
    package var content: [UInt8]

    package init(handle: Handle, key: UInt32, scheme: UInt16, content: [UInt8]) {
        self.handle = handle
        self.key = key
        self.scheme = scheme
        self.content = content
    }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        handle = try reader.readUInt32()
        key = try reader.readUInt32()
        scheme = try reader.readUInt16()
        content = try reader.bytes(atMost: CallLimit.content)
    }

    package func write(to writer: inout PacketWriter) {
        writer.add(handle)
        writer.add(key)
        writer.add(scheme)
        writer.add(bytes: content)
    }

    package typealias Answer = SignatureAnswer
}
