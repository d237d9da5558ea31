// Messages that come in several packets, and those that only claim to.
// SPDX-License-Identifier: Apache-2.0
import System
import Testing

@testable import Broker
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct MessageAssemblyTests {
    @Test func message_ofOnePacket_isWholeAtOnce() throws {
        var assembly = MessageAssembly(limit: 10, room: 4)
        #expect(try add(packet(1, 0, [5]), to: &assembly) == [5])
        #expect(try add(packet(4, 0, [1, 2, 3, 4]), to: &assembly) == [1, 2, 3, 4])
        #expect(!assembly.isPartial)
    }

    @Test func message_ofSeveralPackets_isWholeWithTheLast() throws {
        var assembly = MessageAssembly(limit: 10, room: 4)
        for _ in 0..<2 {
            #expect(try add(packet(10, 0, [1, 2, 3, 4]), to: &assembly) == nil)
            #expect(assembly.isPartial)
            #expect(try add(packet(10, 4, [5, 6, 7, 8]), to: &assembly) == nil)
            #expect(
                try add(packet(10, 8, [9, 10]), to: &assembly) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
            #expect(!assembly.isPartial)
        }
    }

    /// What comes after packets that are right.
    @Test(
        arguments: [
            ("nothing", [], []), ("half a head", [], [0, 0, 0, 1]),
            ("a head alone", [], packet(1, 0, [])), ("a total of nothing", [], packet(0, 0, [1])),
            ("a continuation first", [], packet(10, 4, [5, 6, 7, 8])),
            ("a piece less than full", [], packet(10, 0, [1, 2, 3])),
            ("a piece more than full", [], packet(10, 0, [1, 2, 3, 4, 5])),
            ("fewer than it says", [], packet(3, 0, [1, 2])),
            ("more than it says", [], packet(3, 0, [1, 2, 3, 4])),
            ("the first again", [packet(10, 0, bytes(4))], packet(10, 0, bytes(4))),
            ("one left out", [packet(10, 0, bytes(4))], packet(10, 8, bytes(2))),
            (
                "one twice", [packet(10, 0, bytes(4)), packet(10, 4, bytes(4))],
                packet(10, 4, bytes(4))
            ),
            ("another total", [packet(10, 0, bytes(4))], packet(9, 4, bytes(4))),
            ("a larger total", [packet(10, 0, bytes(4))], packet(5_000, 4, bytes(4))),
            (
                "more at the end", [packet(10, 0, bytes(4)), packet(10, 4, bytes(4))],
                packet(10, 8, bytes(3))
            ),
            ("another message within one", [packet(10, 0, bytes(4))], packet(1, 0, [1])),
            ("a piece behind its total", [packet(10, 0, bytes(4))], packet(2, 4, [1])),
        ] as [(String, [[UInt8]], [UInt8])])
    func packetThatLies_isMalformed(what: String, before: [[UInt8]], packet: [UInt8]) throws {
        var assembly = MessageAssembly(limit: 10, room: 4)
        for right in before { #expect(try add(right, to: &assembly) == nil) }
        #expect(code(packet, to: &assembly) == .malformed)
    }

    @Test(arguments: [11, 12, 65_536, 1 << 31, 0xffff_ffff])
    func totalBeyondTheLimit_isRefusedWithItsFirstPacket(total: Int) throws {
        var assembly = MessageAssembly(limit: 10, room: 4)
        #expect(code(packet(total, 0, bytes(4)), to: &assembly) == .tooLarge)
    }

    @Test func descriptors_comeWithTheFirstPacketOnly() throws {
        var assembly = MessageAssembly(limit: 10, room: 4)
        #expect(try add(packet(6, 0, bytes(4)), to: &assembly, hasDescriptors: true) == nil)
        #expect(code(packet(6, 4, bytes(2)), to: &assembly, hasDescriptors: true) == .descriptors)
    }

    private func add(
        _ packet: [UInt8], to assembly: inout MessageAssembly, hasDescriptors: Bool = false
    ) throws(PacketError) -> [UInt8]? {
        try assembly.add(packet.span, hasDescriptors: hasDescriptors)
    }

    private func code(
        _ packet: [UInt8], to assembly: inout MessageAssembly, hasDescriptors: Bool = false
    ) -> PacketError.Code? {
        do throws(PacketError) {
            _ = try add(packet, to: &assembly, hasDescriptors: hasDescriptors)
            return nil
        } catch {
            return error.code
        }
    }
}
