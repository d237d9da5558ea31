// The part of the policy in force that the network process has.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Conversations
internal import Serving
internal import TLS

/// What anybody who connects may see: the server's certificates, the names of its clients' CAs, and fixed replies.
/// From the broker, at startup and at each reload.
struct NetworkPolicy: Broker.Message, Sendable {
    static var kind: PostKind { .policy }

    /// Nil for plaintext.
    var face: ServerFace?
    /// The number of the key that signs for it.
    var key: UInt32
    /// Which reading of the files it is; sessions that began under an earlier one are checked again.
    var generation: Int
    var replies: [FixedReply]

    init(_ policy: Policy) {
        face = policy.face
        key = policy.key
        generation = policy.generation
        replies = policy.table.fixedReplies
    }

    init(reading reader: inout PacketReader) throws(PacketError) {
        face = try reader.optional { (reader) throws(PacketError) in
            try ServerFace(reading: &reader)
        }
        key = try reader.readUInt32()
        generation = Int(clamping: try reader.readUInt64())
        replies = try reader.list(atMost: Self.maxReplies) { (reader) throws(PacketError) in
            FixedReply(
                name: try reader.text(atMost: Self.longestText),
                text: try reader.text(atMost: Conversations.Message.limit),
                closes: try reader.bool())
        }
    }

    func write(to writer: inout PacketWriter) {
        writer.add(optional: face) { $1.write(to: &$0) }
        writer.add(key)
        writer.add(UInt64(clamping: generation))
        writer.add(list: replies) { writer, reply in
            writer.add(text: reply.name)
            writer.add(text: reply.text)
            writer.add(reply.closes)
        }
    }

    private static let maxReplies = 1 << 20
    private static let longestText = 65_536
}

extension ServerFace {
    fileprivate init(reading reader: inout PacketReader) throws(PacketError) {
        let chain = try reader.list(atMost: maxCertificates) { (reader) throws(PacketError) in
            try reader.bytes(atMost: longestCertificate)
        }
        let path = try reader.text(atMost: longestPath)
        let clients = try reader.optional { (reader) throws(PacketError) in
            Clients(
                authorities: try reader.list(atMost: maxAuthorities) {
                    (reader) throws(PacketError) in
                    try reader.bytes(atMost: longestCertificate)
                }, origin: try reader.text(atMost: longestPath))
        }
        var options = TLSOptions()
        options.minimum = try reader.bool() ? .tls12 : .tls13
        options.mayBePlaintext = try reader.bool()
        options.applicationProtocols = try reader.list(atMost: 16) { (reader) throws(PacketError) in
            try reader.text(atMost: 255)
        }
        self.init(chain: chain, path: path, clients: clients, options: options)
    }

    fileprivate func write(to writer: inout PacketWriter) {
        writer.add(list: chain) { $0.add(bytes: $1) }
        writer.add(text: path)
        writer.add(optional: clients) { writer, clients in
            writer.add(list: clients.authorities) { $0.add(bytes: $1) }
            writer.add(text: clients.origin)
        }
        writer.add(options.minimum == .tls12)
        writer.add(options.mayBePlaintext)
        writer.add(list: options.applicationProtocols) { $0.add(text: $1) }
    }
}

// The limits of any certificate file and any path.
private let maxCertificates = 1_024
private let maxAuthorities = 65_536
private let longestCertificate = 1 << 20
private let longestPath = 65_536
