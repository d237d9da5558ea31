// A message from the other process, as it is read.
// SPDX-License-Identifier: Apache-2.0

/// Reads a message that `PacketWriter` has written, or that claims to be one: nothing in it is trusted.
/// Fields are read in order, and `end()` is called after the last. Each length is compared with its
/// limit, and with what is left of the message, before anything is allocated for it.
///
/// After a call has thrown, nothing more can be read.
package struct PacketReader: Sendable {
    package let type: UInt8
    private let bytes: [UInt8]
    private var offset = 1

    /// - Throws: `malformed` if there is no type.
    package init(_ bytes: [UInt8]) throws(PacketError) {
        guard let type = bytes.first else { throw .malformed("a message is empty") }
        self.type = type
        self.bytes = bytes
    }

    /// How many bytes have not been read yet.
    package var remaining: Int { bytes.count - offset }

    package mutating func readUInt8() throws(PacketError) -> UInt8 {
        UInt8(truncatingIfNeeded: try number(of: 1))
    }

    package mutating func readUInt16() throws(PacketError) -> UInt16 {
        UInt16(truncatingIfNeeded: try number(of: 2))
    }

    package mutating func readUInt32() throws(PacketError) -> UInt32 {
        UInt32(truncatingIfNeeded: try number(of: 4))
    }

    package mutating func readUInt64() throws(PacketError) -> UInt64 { try number(of: 8) }

    package mutating func readInt64() throws(PacketError) -> Int64 {
        Int64(bitPattern: try number(of: 8))
    }

    /// - Throws: `malformed` for a byte that is neither 0 nor 1.
    package mutating func bool() throws(PacketError) -> Bool {
        let value = try readUInt8()
        guard value <= 1 else { throw malformed("has \(value) where 0 or 1 is expected") }
        return value == 1
    }

    /// - Throws: `malformed` if there are more than `limit`, or fewer than it says.
    package mutating func bytes(atMost limit: Int) throws(PacketError) -> [UInt8] {
        Array(try slice(atMost: limit))
    }

    /// - Parameter limit: in bytes of UTF-8.
    /// - Throws: `malformed` if it is longer or is not UTF-8.
    package mutating func text(atMost limit: Int) throws(PacketError) -> String {
        guard let text = String(validating: try slice(atMost: limit), as: UTF8.self) else {
            throw malformed("has a text that is not UTF-8")
        }
        return text
    }

    /// - Parameter body: reads one element, which is at least one byte.
    /// - Throws: `malformed` if there are more than `limit`, or more than there can be; what `body` throws.
    package mutating func list<Element>(
        atMost limit: Int, _ body: (inout PacketReader) throws(PacketError) -> Element
    ) throws(PacketError) -> [Element] {
        let count = try count(atMost: limit)
        var elements: [Element] = []
        elements.reserveCapacity(count)
        for _ in 0..<count { elements.append(try body(&self)) }
        return elements
    }

    /// - Returns: nil if the message says that there is none.
    package mutating func optional<Value>(
        _ body: (inout PacketReader) throws(PacketError) -> Value
    ) throws(PacketError) -> Value? {
        try bool() ? try body(&self) : nil
    }

    /// - Throws: `malformed` if something is left.
    package func end() throws(PacketError) {
        guard remaining == 0 else { throw malformed("has \(remaining) bytes too many") }
    }

    /// What is wrong with this message, for a caller that finds an impossible field.
    ///
    /// - Parameter what: the rest of a sentence about the message: "has two ends".
    package func malformed(_ what: String) -> PacketError {
        .malformed("a message of type \(type) \(what)")
    }

    private mutating func slice(atMost limit: Int) throws(PacketError) -> ArraySlice<UInt8> {
        let count = try count(atMost: limit)
        defer { offset += count }
        return bytes[offset..<(offset + count)]
    }

    /// A number of bytes, or of elements of at least one byte.
    private mutating func count(atMost limit: Int) throws(PacketError) -> Int {
        let count = Int(try readUInt32())
        guard count <= limit else {
            throw malformed("has a field of \(count); the limit is \(limit)")
        }
        guard count <= remaining else {
            throw malformed("has a field of \(count), but only \(remaining) bytes left")
        }
        return count
    }

    private mutating func number(of size: Int) throws(PacketError) -> UInt64 {
        guard size <= remaining else { throw malformed("ends within a number") }
        var value: UInt64 = 0
        for _ in 0..<size {
            value = value << 8 | UInt64(bytes[offset])
            offset += 1
        }
        return value
    }
}
