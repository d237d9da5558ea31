// A value that no handshake has had yet.
// SPDX-License-Identifier: Apache-2.0

/// Asks for a nonce. Answers to `SignatureCall` include the next one, so this is only needed if several
/// handshakes are under way at once, and for the first one.
package struct NonceCall: Call, Equatable {
    package static var kind: CallKind { .nonce }

    package init() {}

    package init(reading reader: inout PacketReader) throws(PacketError) {}
    package func write(to writer: inout PacketWriter) {}

    package struct Answer: CallAnswer, Equatable {
        /// 32 bytes, to be used in one handshake.
        package var nonce: [UInt8]

        package init(nonce: [UInt8]) { self.nonce = nonce }

        package init(reading reader: inout PacketReader) throws(PacketError) {
            nonce = try reader.nonce()
        }

        package func write(to writer: inout PacketWriter) { writer.add(bytes: nonce) }
    }
}
