// The network process is accepting connections.
// SPDX-License-Identifier: Apache-2.0

/// From the network process, once: it is confined and accepting connections.
package struct ReadyPost: Message, Equatable {
    package static var kind: PostKind { .ready }

    /// What this machine lacks for its confinement, as sentences without a full stop.
    package var missing: [String]

    package init(missing: [String]) { self.missing = missing }

    package init(reading reader: inout PacketReader) throws(PacketError) {
        missing = try reader.list(atMost: Self.limit) { (reader) throws(PacketError) in
            try reader.text(atMost: Longest.sentence)
        }
    }

    package func write(to writer: inout PacketWriter) {
        writer.add(list: missing.prefix(Self.limit)) { $0.add(sentence: $1) }
    }

    private static let limit = 16
}
