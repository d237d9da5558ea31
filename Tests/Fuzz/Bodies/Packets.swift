// Fuzzes the channel between the two processes: its packets, and the fields of its messages.
// SPDX-License-Identifier: Apache-2.0
import System

@testable import Broker

/// - Parameter bytes: a limit, then packets: how many bytes of one there are, whether descriptors come with it, and
///   the bytes. A packet holds 16 bytes of a message, so that small inputs have many.
func fuzzPackets(_ bytes: [UInt8]) throws(Finding) {
    var model = Model(limit: Int(bytes.first ?? 0))
    var assembly = MessageAssembly(limit: model.limit, room: Model.room)
    var rest = bytes.dropFirst()
    while let length = rest.popFirst() {
        let packet = Array(rest.prefix(Int(length & 0x3f)))
        rest = rest.dropFirst(packet.count)
        let hasDescriptors = length & 0x80 != 0
        let isRight = model.isRight(packet, hasDescriptors)
        let message: [UInt8]?
        do throws(PacketError) {
            message = try assembly.add(packet.span, hasDescriptors: hasDescriptors)
        } catch {
            return try require(!isRight, "a packet that is right is taken: \(error.sentence)")
        }
        try require(isRight, "a packet that is wrong is refused")
        try require(message == model.add(packet), "a message is whole with its last packet")
        if let message { try checkBundle(message) }
        try require(assembly.isPartial == !model.partial.isEmpty, "it knows whether it has a part")
    }
}

/// The messages in a bundle that is right are all of it.
private func checkBundle(_ message: [UInt8]) throws(Finding) {
    var size = 1
    do throws(PacketError) {
        guard var bundle = try OpenedBundle(message, hasDescriptors: false) else { return }
        while let one = try bundle.next() { size += 4 + one.count }
    } catch {
        return
    }
    try require(size == message.count && size > 5, "a bundle has nothing but messages")
}

/// What has come of a message, by another reading of the same packets.
private struct Model {
    static let room = 16
    let limit: Int
    var partial: [UInt8] = []
    private var begun: ArraySlice<UInt8> = []

    init(limit: Int) { self.limit = limit }

    func isRight(_ packet: [UInt8], _ hasDescriptors: Bool) -> Bool {
        guard packet.count > 8 else { return false }
        let due = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: partial.count >> $0) }
        return (1...max(1, limit)).contains(total(packet)) && limit > 0
            && packet[4..<8].elementsEqual(due)
            && (partial.isEmpty || packet[..<4] == begun && !hasDescriptors)
            && packet.count - 8 == min(Self.room, total(packet) - partial.count)
    }

    mutating func add(_ packet: [UInt8]) -> [UInt8]? {
        begun = packet[..<4]
        partial += packet[8...]
        guard partial.count == total(packet) else { return nil }
        defer { partial = [] }
        return partial
    }

    private func total(_ packet: [UInt8]) -> Int { packet[..<4].reduce(0) { $0 << 8 | Int($1) } }
}

/// - Parameter bytes: how many fields there are, a byte for each of them, and a message that is to have them.
func fuzzFields(_ bytes: [UInt8]) throws(Finding) {
    let kinds = bytes.dropFirst().prefix(Int(bytes.first ?? 0))
    let message = Array(bytes.dropFirst(1 + kinds.count))
    guard var reader = try? PacketReader(message) else {
        return try require(message.isEmpty, "a message that has a type is one")
    }
    var writer = PacketWriter(reader.type)
    do throws(PacketError) {
        for kind in kinds {
            let left = reader.remaining
            let most = Int(kind >> 4) * 4
            let count = try copy(Int(kind & 0xf), &reader, &writer, most)
            guard reader.remaining + writer.bytes.count == message.count, reader.remaining <= left,
                count <= most
            else { throw .malformed(unkept) }
        }
    } catch {
        try require(!error.sentence.contains(unkept), "fields are read one after the other")
        return
    }
    // What was read is what is there.
    try require(message.starts(with: writer.bytes), "fields are written as they came")
    try require(
        (reader.remaining == 0) == ((try? reader.end()) != nil),
        "nothing is left after the last field")
}

private let unkept = "not kept"

/// Reads a field, and writes it again.
///
/// - Returns: how long it is, where that is bounded.
private func copy(
    _ kind: Int, _ reader: inout PacketReader, _ writer: inout PacketWriter, _ most: Int
) throws(PacketError) -> Int {
    switch kind {
    case 0: writer.add(try reader.readUInt8())
    case 1: writer.add(try reader.readUInt16())
    case 2: writer.add(try reader.readUInt32())
    case 3: writer.add(try reader.readUInt64())
    case 4: writer.add(try reader.readInt64())
    case 5: writer.add(try reader.bool())
    case 6, 7:
        let bytes = try reader.bytes(atMost: most)
        writer.add(bytes: bytes)
        return bytes.count
    case 8, 9, 10:
        let text = try reader.text(atMost: most)
        writer.add(text: text)
        return text.utf8.count
    case 11, 12:
        let list = try reader.list(atMost: most) { (reader) throws(PacketError) in
            try reader.readUInt16()
        }
        writer.add(list: list) { $0.add($1) }
        return list.count
    case 13, 14:
        let list = try reader.list(atMost: most) { (reader) throws(PacketError) in
            try reader.optional { (reader) throws(PacketError) in try reader.text(atMost: most) }
        }
        writer.add(list: list) { $0.add(optional: $1) { $0.add(text: $1) } }
        return list.count
    default:
        let value = try reader.optional { (reader) throws(PacketError) in try reader.readInt64() }
        writer.add(optional: value) { $0.add($1) }
    }
    return 0
}
