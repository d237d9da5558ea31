// What the network process asks of the process that has the key, and waits for.
// SPDX-License-Identifier: Apache-2.0

/// A question on a call channel, and its answer. Each has a file with both its halves; the side that
/// reads a question must not trust its sender.
package protocol Call: Sendable {
    associatedtype Answer: CallAnswer
    static var kind: CallKind { get }
    /// Reads what follows the kind, to its last byte.
    init(reading reader: inout PacketReader) throws(PacketError)
    func write(to writer: inout PacketWriter)
}

/// The answer to a call.
package protocol CallAnswer: Sendable {
    /// Reads what follows the kind, to its last byte.
    init(reading reader: inout PacketReader) throws(PacketError)
    func write(to writer: inout PacketWriter)
}

/// The first byte of a question and of its answer, so that no answer is taken for another
/// question's.
package enum CallKind: UInt8, CaseIterable, Sendable {
    case nonce = 1
    case signature = 2
    case keyExchange = 3
    case chain = 4
    case proof = 5
    case standing = 6
    case drop = 7
}

extension Call {
    /// The complete message.
    package var packet: PacketWriter {
        var writer = PacketWriter(Self.kind.rawValue)
        write(to: &writer)
        return writer
    }

    /// Reads a question whose kind was already read, to its last byte.
    package init(whole reader: inout PacketReader) throws(PacketError) {
        try self.init(reading: &reader)
        try reader.end()
    }

    /// An answer to a question of this kind.
    package static func answer(_ answer: Answer) -> PacketWriter {
        var writer = PacketWriter(kind.rawValue)
        answer.write(to: &writer)
        return writer
    }

    /// Reads the answer to a question of this kind, to its last byte.
    package static func answer(reading bytes: [UInt8]) throws(PacketError) -> Answer {
        var reader = try PacketReader(bytes)
        guard reader.type == kind.rawValue else {
            throw reader.malformed("answers a different question")
        }
        let answer = try Answer(reading: &reader)
        try reader.end()
        return answer
    }
}

/// The maximum length of questions, answers and their parts, in bytes.
package enum CallLimit {
    /// The longest are a handshake's messages up to a server's Certificate: two hellos from each end, and
    /// the longest of each other message.
    package static let question = messages + 1_024
    /// An objection carries its own sentence and X.509's.
    package static let answer = 16_384

    /// How many questions travel in one message, and how many tasks of a loop wait for answers on top of one another:
    /// each takes some kilobytes of its thread's stack.
    static let together = 8
    /// Of those that do, in bytes: about a packet.
    static let bundle = 65_000

    package static let messages = 173_056
    /// A client's Certificate with its header.
    package static let certificate = 32_772
    /// Finished, a Certificate, and a CertificateVerify.
    static let proof = 45_056
    /// What is signed in TLS 1.2.
    static let content = 512
    /// An ML-DSA-87 signature has 4,627.
    static let signature = 8_192
    static let nonce = 32
}

extension PacketReader {
    mutating func nonce() throws(PacketError) -> [UInt8] {
        let nonce = try bytes(atMost: CallLimit.nonce)
        guard nonce.count == CallLimit.nonce else {
            throw malformed("has a nonce of \(nonce.count) bytes")
        }
        return nonce
    }
}
