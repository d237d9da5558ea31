// Data in records: boundaries, sizes, blocked writes, and records that were tampered with.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import Testing

@testable internal import TLS
@testable internal import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct RecordTests {
    // MARK: Boundaries

    @Test(arguments: Role.allCases)
    func twoWrites_areTwoReads(by role: Role) throws {
        let pair = try MemoryPair.established()
        let (writer, reader) = (pair.end(role), pair.end(role.other))
        #expect(try writer.write("Hello") == .moved(5))
        #expect(try writer.write("Are you there?") == .moved(14))
        #expect(try reader.read() == .text("Hello"))
        #expect(try reader.read() == .text("Are you there?"))
        #expect(try reader.read() == .blocked(.read))
    }

    @Test func read_neverHasBytesOfTwoRecords() throws {
        let pair = try MemoryPair.established()
        _ = try pair.client.write("abcdef")
        _ = try pair.client.write("ghi")
        #expect(try pair.server.read(upTo: 4) == .text("abcd"))
        #expect(try pair.server.read(upTo: 4) == .text("ef"))
        #expect(try pair.server.read(upTo: 4) == .text("ghi"))
    }

    @Test(arguments: [1, 2, 16_383, 16_384])
    func write_isOneRecord_upTo16KiB(_ count: Int) throws {
        let pair = try MemoryPair.established()
        let start = pair.client.sent.history.count
        let bytes = pattern(0..<count)
        #expect(try pair.client.write(bytes) == .moved(count))
        let records = pair.client.sent.records(since: start)
        #expect(records.map(\.type) == [Record.applicationData])
        // The content type and the tag (RFC 8446, section 5.2).
        #expect(records.map(\.payload.count) == [count + 17])
        #expect(try pair.server.read() == .bytes(bytes))
    }

    @Test(arguments: [16_385, 40_000])
    func write_isPartial_beyond16KiB(_ count: Int) throws {
        let pair = try MemoryPair.established()
        let start = pair.client.sent.history.count
        #expect(try pair.client.write(pattern(0..<count)) == .moved(16_384))
        #expect(pair.client.sent.records(since: start).count == 1)
    }

    // MARK: Blocked writes

    @Test func write_goesOn_afterItBlockedWithinARecord() throws {
        let pair = try MemoryPair.established()
        let bytes = pattern(0..<10_000)
        pair.client.sent.capacity = 3_000
        #expect(try pair.client.write(bytes) == .blocked(.write))
        #expect(pair.client.sent.pending.count == 3_000)
        #expect(try pair.server.read() == .blocked(.read))
        #expect(try pair.client.write(bytes) == .blocked(.write))
        #expect(try pair.server.read() == .blocked(.read))
        pair.client.sent.capacity = .max
        // The same bytes from another place, as where the rest is kept for later.
        #expect(try pair.client.write(pattern(0..<10_000)) == .moved(10_000))
        #expect(try pair.server.read() == .bytes(bytes))
    }

    @Test func read_goesOn_whileAWriteIsBlocked() throws {
        let pair = try MemoryPair.established()
        let bytes = pattern(0..<10_000)
        pair.client.sent.capacity = 3_000
        #expect(try pair.client.write(bytes) == .blocked(.write))
        for text in ["one", "two"] {
            _ = try pair.server.write(text)
            #expect(try pair.client.read() == .text(text))
            #expect(try pair.client.read() == .blocked(.read))
        }
        pair.client.sent.capacity = .max
        #expect(try pair.client.write(bytes) == .moved(10_000))
        #expect(try pair.server.read() == .bytes(bytes))
    }

    @Test(arguments: [1, 100, 5_000, 20_000])
    func megabyte_arrivesWhole_overANarrowChannel(_ capacity: Int) throws {
        let pair = try MemoryPair.established()
        pair.client.sent.capacity = capacity
        let bytes = pattern(0..<(capacity == 1 ? 20_000 : 1 << 20))
        var written = 0
        var arrived: [UInt8] = []
        while arrived.count < bytes.count {
            if written < bytes.count,
                case .moved(let count) = try pair.client.write(
                    Array(bytes[written...].prefix(30_000)))
            {
                written += count
            }
            arrived += try pair.server.readAll().bytes
        }
        #expect(arrived == bytes)
    }

    @Test func record_arrives_aByteAtATime() throws {
        let pair = try MemoryPair.established()
        _ = try pair.client.write("first")
        _ = try pair.client.write("second")
        pair.server.toReceive.trickles = true
        var inputs: [MemoryEnd.Input] = []
        var blocked = 0
        while inputs.count < 2 {
            let input = try pair.server.read()
            if input == .blocked(.read) { blocked += 1 } else { inputs.append(input) }
        }
        #expect(inputs == [.text("first"), .text("second")])
        #expect(blocked >= 50)
    }

    // MARK: Tampering

    enum Change: CaseIterable {
        case type, length, ciphertext, tag, dropped, repeated, swapped, empty, huge

        func apply(to wire: Wire) {
            var records = Record.records(in: wire.pending[...]).map(\.bytes)
            switch self {
            case .type: records[0][0] = Record.handshake
            case .length: records[0][4] -= 1
            case .ciphertext: records[0][5] ^= 1
            case .tag: records[0][records[0].count - 1] ^= 0x80
            case .dropped: records.removeFirst()
            case .repeated: records.insert(records[0], at: 0)
            case .swapped: records.swapAt(0, 1)
            case .empty:
                records.insert(Record(type: Record.applicationData, payload: []).bytes, at: 0)
            case .huge: records[0][3] = 0xff
            }
            wire.pending = Array(records.joined())
        }
    }

    @Test(arguments: Change.allCases, Role.allCases)
    func tamperedRecord_isRefused_andThePeerToldWhy(_ change: Change, to role: Role) throws {
        let pair = try MemoryPair.established()
        let (sender, victim) = (pair.end(role.other), pair.end(role))
        _ = try sender.write("one")
        _ = try sender.write("two")
        change.apply(to: sender.sent)
        // A repeated record is good the first time.
        if change == .repeated { #expect(try victim.read() == .text("one")) }
        let start = victim.sent.history.count
        #expect(failureCode { () throws(StreamError) in try victim.read() } == .tlsFailed)
        // What comes after the first failure is not believed either.
        #expect(failureCode { () throws(StreamError) in try victim.read() } == .tlsFailed)
        #expect(failureCode { () throws(StreamError) in try victim.write("x") } == .tlsFailed)

        // One alert and, since it was fatal, no close_notify.
        #expect(victim.sent.records(since: start).map(\.payload.count) == [2 + 17])
        #expect(failureCode { () throws(StreamError) in try victim.close() } == .tlsFailed)
        #expect(victim.sent.records(since: start).count == 1)
        #expect(failureCode { () throws(StreamError) in try sender.read() } == .tlsFailed)
        #expect(failureCode { () throws(StreamError) in try sender.close() } == .tlsFailed)
    }
}
