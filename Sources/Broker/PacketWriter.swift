// A message to the other process, as it is written.
// SPDX-License-Identifier: Apache-2.0

/// Writes a message of a channel between the two processes: a byte for its type, then its fields one
/// after another, in the form that `PacketReader` reads. Numbers are big-endian; fields of variable
/// length are preceded by their length, as a `UInt32`.
package struct PacketWriter: Sendable {
    /// What was written so far; never empty.
    package private(set) var bytes: [UInt8]

    package init(_ type: UInt8) {
        bytes = []
        // Grown from one byte, a message of a few fields would be copied four times.
        bytes.reserveCapacity(Self.limit)
        bytes.append(type)
    }

    package mutating func add(_ value: UInt8) { bytes.append(value) }
    package mutating func add(_ value: UInt16) { add(number: value) }
    package mutating func add(_ value: UInt32) { add(number: value) }
    package mutating func add(_ value: UInt64) { add(number: value) }
    package mutating func add(_ value: Int64) { add(number: value) }

    /// A byte, 0 or 1.
    package mutating func add(_ value: Bool) { bytes.append(value ? 1 : 0) }

    /// Bytes, preceded by their number.
    package mutating func add(bytes value: [UInt8]) {
        add(count: value.count)
        bytes += value
    }

    /// UTF-8, preceded by the number of its bytes.
    package mutating func add(text: String) {
        add(count: text.utf8.count)
        bytes += text.utf8
    }

    /// Elements, preceded by their number.
    ///
    /// - Parameter body: writes one element, as at least one byte.
    package mutating func add<Element>(
        list: some Collection<Element>, _ body: (inout PacketWriter, Element) -> Void
    ) {
        add(count: list.count)
        for element in list { body(&self, element) }
    }

    /// Whether there is one, as a `Bool`, then the value.
    package mutating func add<Value>(
        optional value: Value?, _ body: (inout PacketWriter, Value) -> Void
    ) {
        add(value != nil)
        if let value { body(&self, value) }
    }

    /// The approximate size of a message without long fields.
    private static let limit = 96

    /// Anything larger doesn't fit any channel.
    private mutating func add(count: Int) { add(UInt32(count)) }

    private mutating func add(number: some FixedWidthInteger) {
        var shift = number.bitWidth
        while shift > 0 {
            shift -= 8
            bytes.append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }
}
