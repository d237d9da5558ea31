// Bytes that are copied to where there is room.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import System

struct SpansTests {
    @Test(arguments: [[], [1], [1, 2, 3, 4], Array(repeating: 7, count: 300)] as [[UInt8]])
    func whatIsAppended_followsWhatWasThere(bytes: [UInt8]) {
        let all = [UInt8](capacity: bytes.count + 2) { output in
            output.append(9)
            output.append(contentsOf: bytes.span)
            output.append(8)
        }
        #expect(all == [9] + bytes + [8])
    }

    @Test(arguments: 0...4)
    func asMuchMoves_asThereIsRoomFor_andTheRestStays(room: Int) {
        var bytes: [UInt8] = [1, 2, 3]
        let moved = [UInt8](capacity: room) { bytes.move(into: &$0) }
        #expect(moved == Array([1, 2, 3].prefix(room)))
        #expect(bytes == Array([1, 2, 3].dropFirst(room)))
    }
}
