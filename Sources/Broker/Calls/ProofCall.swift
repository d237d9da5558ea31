// Proof that a client has made its handshake itself.
// SPDX-License-Identifier: Apache-2.0
package import Remote
package import Sockets

/// Shows that a handshake's client has the key of its chain (which this verifies if no `ChainCall` has asked for
/// that), and asks for a place for its session. From then on the client is known by its handle, and has the place,
/// until its session's connection is closed or `DropCall`.
package struct ProofCall: Call, Equatable {
    package static var kind: CallKind { .proof }

    package var handle: Handle
    /// The server's Finished, the client's Certificate and CertificateVerify. Empty in TLS 1.2, where nothing proves
    /// this and the call says that the handshake is over.
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
        /// Its session may begin.
        case proven
        /// Its chain is not accepted, for the reason that `ChainAnswer` would give.
        case objection(code: Int32, failure: StreamError)
        /// For the end of a sentence, after a colon.
        case refused(String)
        /// It is who it claims to be, but there is no place for another session. With the limit
        /// that was reached.
        case turnedAway(Refusal)

        package init(reading reader: inout PacketReader) throws(PacketError) {
            switch try reader.readUInt8() {
            case 0: self = .refused(try reader.text(atMost: Longest.sentence))
            case 1: self = .proven
            case 2:
                guard case .objection(let code, let failure) = try ChainAnswer(reading: &reader)
                else {
                    throw reader.malformed("accepts a chain, which does not identify the client")
                }
                self = .objection(code: code, failure: failure)
            case 3:
                guard let limit = Refusal.Limit(rawValue: try reader.readUInt8()) else {
                    throw reader.malformed("names an unknown limit")
                }
                self = .turnedAway(Refusal(limit, try reader.text(atMost: Longest.sentence)))
            case let tag: throw reader.malformed("has an answer of unknown kind \(tag)")
            }
        }

        package func write(to writer: inout PacketWriter) {
            switch self {
            case .refused(let why):
                writer.add(UInt8(0))
                writer.add(sentence: why)
            case .proven: writer.add(UInt8(1))
            case .objection(let code, let failure):
                writer.add(UInt8(2))
                ChainAnswer.objection(code: code, failure: failure).write(to: &writer)
            case .turnedAway(let refusal):
                writer.add(UInt8(3))
                writer.add((refusal.limit ?? .sessions).rawValue)
                writer.add(sentence: refusal.sentence)
            }
        }
    }
}
