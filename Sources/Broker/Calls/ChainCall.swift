// Whether a client's chain is accepted.
// SPDX-License-Identifier: Apache-2.0
package import Sockets

/// Asks for the chain that a handshake's client presents to be verified, before it is known whether the
/// client has the key.
package struct ChainCall: Call, Equatable {
    package static var kind: CallKind { .chain }

    package var handle: Handle
    /// TLS's Certificate message with its header (RFC 8446, section 4.4.2).
    package var certificate: [UInt8]

    package init(handle: Handle, certificate: [UInt8]) {
        self.handle = handle
        self.certificate = certificate
    }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        handle = try reader.readUInt32()
        certificate = try reader.bytes(atMost: CallLimit.certificate)
    }

    package func write(to writer: inout PacketWriter) {
        writer.add(handle)
        writer.add(bytes: certificate)
    }

    package typealias Answer = ChainAnswer
}

/// The objections to a client's chain.
package enum ChainAnswer: CallAnswer, Equatable {
    /// - seconds: until a certificate of the chain or a CRL expires; a change of the server's files may end it
    ///   earlier.
    case accepted(seconds: UInt32)
    /// - code: X.509's (X509_STORE_CTX_get_error(3)), never the one for success.
    /// - failure: what a handshake reports about it. Of its causes X.509's is kept, of its remedies the one
    ///   about trust.
    case objection(code: Int32, failure: StreamError)

    package init(reading reader: inout PacketReader) throws(PacketError) {
        guard try reader.bool() else {
            self = .accepted(seconds: try reader.readUInt32())
            return
        }
        guard let code = Int32(exactly: try reader.readInt64()), code != 0 else {
            throw reader.malformed("has an objection without an X.509 code")
        }
        let word = try reader.text(atMost: Longest.word)
        let sentence = try reader.text(atMost: Longest.sentence)
        guard let remedy = Remedy(rawValue: try reader.readUInt8()) else {
            throw reader.malformed("names an unknown remedy")
        }
        let cause = try reader.optional { (reader) throws(PacketError) in
            try reader.text(atMost: Longest.sentence)
        }
        self = .objection(
            code: code,
            failure: StreamError(
                StreamError.Code(rawValue: word), sentence, remedy: remedy.value,
                cause: cause.map { .certificate(code, $0) }))
    }

    package func write(to writer: inout PacketWriter) {
        switch self {
        case .accepted(let seconds):
            writer.add(false)
            writer.add(seconds)
        case .objection(let code, let failure):
            writer.add(true)
            Self.write(code, failure, to: &writer)
        }
    }

    private static func write(
        _ code: Int32, _ failure: StreamError, to writer: inout PacketWriter
    ) {
        writer.add(Int64(code))
        writer.add(text: failure.code.rawValue)
        writer.add(sentence: failure.sentence)
        writer.add(Remedy(failure.remedy).rawValue)
        let cause: String? =
            if case .certificate(_, let sentence)? = failure.cause { sentence } else { nil }
        writer.add(optional: cause) { $0.add(sentence: $1) }
    }

    /// What helps if a client's certificate isn't accepted.
    private enum Remedy: UInt8 {
        case none = 0
        case trust = 1
        case trustSelfSigned = 2

        init(_ remedy: Streams.Remedy?) {
            self =
                switch remedy {
                case .trust(.client, isSelfSigned: false): .trust
                case .trust(.client, isSelfSigned: true): .trustSelfSigned
                default: .none
                }
        }

        var value: Streams.Remedy? {
            switch self {
            case .none: nil
            case .trust: .trust(.client, isSelfSigned: false)
            case .trustSelfSigned: .trust(.client, isSelfSigned: true)
            }
        }
    }
}
