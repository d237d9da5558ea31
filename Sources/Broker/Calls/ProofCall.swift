// That a client has made its handshake itself.
// SPDX-License-Identifier: Apache-2.0

/// Shows that a handshake's client has the key of the chain that was verified. It is known by its handle from
/// then on, until its session's connection is closed or `DropCall`.
package struct ProofCall: Call, Equatable {
    package static var kind: CallKind { .proof }

    package var handle: Handle
    /// The server's Finished, the client's Certificate and CertificateVerify.
    package var messages: [UInt8]

    package init(handle: Handle, messages: [UInt8]) {
        self.handle = handle
        self.messages = messages
    }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        handle = try reader.readUInt32()
        messages = try reader.bytes(atMost: CallLimit.proof)
    }

    package func write(to writer: inout PacketWriter) {
        writer.add(handle)
        writer.add(bytes: messages)
    }

    package enum Answer: CallAnswer, Equatable {
        case proven
        /// For a sentence's end, after a colon.
        case refused(String)

        package init(reading reader: inout PacketReader) throws(PacketError) {
            self = try reader.bool() ? .proven : .refused(reader.text(atMost: Longest.sentence))
        }

        package func write(to writer: inout PacketWriter) {
            switch self {
            case .proven: writer.add(true)
            case .refused(let why):
                writer.add(false)
                writer.add(sentence: why)
            }
        }
    }
}
