// Messages as they are written and read.
// SPDX-License-Identifier: Apache-2.0
import System
import Testing

@testable import Broker
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct PacketTests {
    @Test func message_isReadAsItWasWritten() throws {
        var writer = PacketWriter(200)
        writer.add(UInt8.max)
        writer.add(UInt16(0x0102))
        writer.add(UInt32(0x0102_0304))
        writer.add(UInt64(0x0102_0304_0506_0708))
        writer.add(Int64.min)
        writer.add(Int64(-2))
        writer.add(true)
        writer.add(false)
        writer.add(bytes: [9, 8, 7])
        writer.add(bytes: [])
        writer.add(text: "wörd\0\u{1F600}")
        writer.add(list: ["a", "", "ccc"]) { $0.add(text: $1) }
        writer.add(list: [UInt16]()) { $0.add($1) }
        writer.add(optional: Int64(5)) { $0.add($1) }
        writer.add(optional: nil as String?) { $0.add(text: $1) }

        var reader = try PacketReader(writer.bytes)
        #expect(reader.type == 200)
        #expect(try reader.readUInt8() == .max)
        #expect(try reader.readUInt16() == 0x0102)
        #expect(try reader.readUInt32() == 0x0102_0304)
        #expect(try reader.readUInt64() == 0x0102_0304_0506_0708)
        #expect(try reader.readInt64() == .min)
        #expect(try reader.readInt64() == -2)
        #expect(try reader.bool())
        #expect(try !reader.bool())
        #expect(try reader.bytes(atMost: 3) == [9, 8, 7])
        #expect(try reader.bytes(atMost: 0) == [])
        #expect(try reader.text(atMost: 10) == "wörd\0\u{1F600}")
        #expect(try strings(&reader) == ["a", "", "ccc"])
        #expect(try strings(&reader) == [])
        #expect(
            try reader.optional { (reader) throws(PacketError) in try reader.readInt64() } == 5)
        #expect(failureCode { () throws(PacketError) in try reader.end() } == .malformed)
        #expect(
            try reader.optional { (reader) throws(PacketError) in try reader.readInt64() } == nil)
        try reader.end()
    }

    @Test func message_isWrittenInTheOrderOfTheNetwork() {
        var writer = PacketWriter(1)
        writer.add(UInt16(0x0203))
        writer.add(UInt32(0x0405_0607))
        writer.add(Int64(-1))
        writer.add(text: "ab")
        writer.add(list: [UInt8(4)]) { $0.add($1) }
        writer.add(optional: UInt8(5)) { $0.add($1) }
        #expect(
            writer.bytes == [1, 2, 3, 4, 5, 6, 7] + bytes(8, 0xff)
                + [0, 0, 0, 2, 0x61, 0x62, 0, 0, 0, 1, 4, 1, 5])
    }

    @Test func message_withoutType_isNone() {
        #expect(failureCode { () throws(PacketError) in try PacketReader([]) } == .malformed)
    }

    /// What is read, and what of it would do.
    @Test(
        arguments: [
            (Read.uint8, [1]), (.uint16, [1, 2]), (.uint32, [1, 2, 3, 4]),
            (.uint64, bytes(8, 1)), (.int64, bytes(8, 1)), (.bool, [1]),
            (.bytes, [0, 0, 0, 2, 1, 2]), (.text, [0, 0, 0, 2, 0x61, 0x62]),
            (.list, [0, 0, 0, 2, 0, 0, 0, 1, 0x61, 0, 0, 0, 0]), (.optional, [1, 0, 0, 0, 7]),
        ] as [(Read, [UInt8])])
    func message_thatIsCutAnywhere_isMalformed(read: Read, whole: [UInt8]) throws {
        #expect(try code(read, whole) == nil)
        for count in 0..<whole.count {
            #expect(try code(read, Array(whole[..<count])) == .malformed, "\(count)")
        }
        #expect(try code(read, whole + [0], toEnd: true) == .malformed)
    }

    @Test(
        arguments: [
            (Read.bool, [2]), (.bool, [0xff]), (.optional, [2, 0, 0, 0, 7]),
            // One more than may be, and as many bytes.
            (.bytes, [0, 0, 0, 3, 1, 2, 3]), (.text, [0, 0, 0, 3, 0x61, 0x61, 0x61]),
            (.list, [0, 0, 0, 3] + bytes(12, 0)),
            // As many as may be, and too few bytes.
            (.bytes, [0, 0, 0, 2, 1]), (.text, [0, 0, 0, 2, 0x61]), (.list, [0, 0, 0, 2, 0]),
            (.bytes, [0xff, 0xff, 0xff, 0xff, 1]), (.text, [0xff, 0xff, 0xff, 0xff, 1]),
            (.list, [0xff, 0xff, 0xff, 0xff, 1]),
            // No UTF-8: cut, overlong, a surrogate.
            (.text, [0, 0, 0, 1, 0xc3]), (.text, [0, 0, 0, 2, 0xc0, 0x80]),
            (.text, [0, 0, 0, 2, 0x61, 0xff]),
        ] as [(Read, [UInt8])])
    func fieldThatLies_isMalformed(read: Read, bytes: [UInt8]) throws {
        #expect(try code(read, bytes) == .malformed)
    }

    @Test func text_ofASurrogate_isMalformed() throws {
        var reader = try PacketReader([1, 0, 0, 0, 3, 0xed, 0xa0, 0x80])
        #expect(
            failureCode { () throws(PacketError) in try reader.text(atMost: 3) } == .malformed)
    }

    /// A message of 5 bytes that asks for room for four thousand million elements, which a caller allows.
    @Test func list_isNotLongerThanTheMessage() throws {
        var reader = try PacketReader([1, 0xff, 0xff, 0xff, 0xff])
        let read = { (reader: inout PacketReader) throws(PacketError) in reader.remaining }
        #expect(
            failureCode { () throws(PacketError) in try reader.list(atMost: .max, read) }
                == .malformed)
    }

    @Test func sentence_saysWhichMessage() throws {
        var reader = try PacketReader([77, 3])
        do throws(PacketError) {
            _ = try reader.bool()
            Issue.record("3 is no answer")
        } catch {
            #expect(error.sentence.contains("a message of type 77 has 3 where 0 or 1 is expected"))
        }
    }

    enum Read: Sendable {
        case uint8, uint16, uint32, uint64, int64, bool, bytes, text, list, optional
    }

    /// Reads one field, with bounds of 2.
    private func code(
        _ read: Read, _ bytes: [UInt8], toEnd: Bool = false
    ) throws -> PacketError.Code? {
        var reader = try PacketReader([1] + bytes)
        return failureCode { () throws(PacketError) in
            switch read {
            case .uint8: _ = try reader.readUInt8()
            case .uint16: _ = try reader.readUInt16()
            case .uint32: _ = try reader.readUInt32()
            case .uint64: _ = try reader.readUInt64()
            case .int64: _ = try reader.readInt64()
            case .bool: _ = try reader.bool()
            case .bytes: _ = try reader.bytes(atMost: 2)
            case .text: _ = try reader.text(atMost: 2)
            case .list:
                _ = try reader.list(atMost: 2) { (reader) throws(PacketError) in
                    try reader.text(atMost: 2)
                }
            case .optional:
                _ = try reader.optional { (reader) throws(PacketError) in
                    try reader.readUInt32()
                }
            }
            if toEnd { try reader.end() }
        }
    }

    private func strings(_ reader: inout PacketReader) throws(PacketError) -> [String] {
        try reader.list(atMost: 3) { (reader) throws(PacketError) in try reader.text(atMost: 3) }
    }
}
