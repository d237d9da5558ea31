// The server's signature in a handshake of TLS 1.3.
// SPDX-License-Identifier: Apache-2.0

/// Asks for the signature in a server's CertificateVerify. This begins the handshake, and its client's
/// proof is expected under the same handle within ten seconds.
package struct SignatureCall: Call, Equatable {
    package static var kind: CallKind { .signature }

    package var handle: Handle
    /// The key's number.
    package var key: UInt32
    /// The content of the CertificateRequest; nil if no client certificate is requested.
    package var nonce: [UInt8]?
    /// The SignatureScheme's number.
    package var scheme: UInt16
    /// The messages from ClientHello to the server's Certificate.
    package var messages: [UInt8]

    package init(
        handle: Handle, key: UInt32, nonce: [UInt8]?, scheme: UInt16, messages: [UInt8]
    ) {
        self.handle = handle
        self.key = key
        self.nonce = nonce
        self.scheme = scheme
        self.messages = messages
    }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        handle = try reader.readUInt32()
        key = try reader.readUInt32()
        nonce = try reader.optional { (reader) throws(PacketError) in try reader.nonce() }
        scheme = try reader.readUInt16()
        messages = try reader.bytes(atMost: CallLimit.messages)
    }

    package func write(to writer: inout PacketWriter) {
        writer.add(handle)
        writer.add(key)
        writer.add(optional: nonce) { $0.add(bytes: $1) }
        writer.add(scheme)
        writer.add(bytes: messages)
    }

    package typealias Answer = SignatureAnswer
}

/// A signature, or why there is none.
package enum SignatureAnswer: CallAnswer, Equatable {
    /// - next: a nonce for another handshake.
    case signed([UInt8], next: [UInt8]?)
    /// For the end of a sentence, after a colon.
    case refused(String)

    package init(reading reader: inout PacketReader) throws(PacketError) {
        if try reader.bool() {
            let signature = try reader.bytes(atMost: CallLimit.signature)
            self = .signed(
                signature,
                next: try reader.optional { (reader) throws(PacketError) in try reader.nonce() })
        } else {
            self = .refused(try reader.text(atMost: Longest.sentence))
        }
    }

    package func write(to writer: inout PacketWriter) {
        switch self {
        case .signed(let signature, let next):
            writer.add(true)
            writer.add(bytes: signature)
            writer.add(optional: next) { $0.add(bytes: $1) }
        case .refused(let why):
            writer.add(false)
            writer.add(sentence: why)
        }
    }
}
