// Frames that come together: which payloads are handed over in one call, and in which order.
// SPDX-License-Identifier: Apache-2.0
import Sockets
import System
import Testing

@testable import Remote
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct FrameGroupTests {
    /// What was handed over, in its order.
    private enum Taken: Equatable {
        case together([[UInt8]])
        case other(UInt8, [UInt8])
    }

    private static let stream =
        Parley1.frame(.output, [1]) + Parley1.frame(.ping) + Parley1.frame(.output, [2, 3])
        + Parley1.frame(.pong) + Parley1.frame(.errorOutput, [4]) + Parley1.frame(.output, [5])
        + Parley1.frame(.exit, [0, 0])

    @Test func payloads_areTogether_upToAnotherFrame() throws {
        let (taken, left) = try take(Self.stream)
        #expect(
            taken == [
                .other(6, []), .other(7, []), .together([[1], [2, 3]]), .other(18, [4]),
                .together([[5]]), .other(19, [0, 0]),
            ])
        #expect(left == 0)
    }

    /// One that comes in pieces is alone, and behind those before it.
    @Test(arguments: 1..<stream.count)
    func payloads_keepTheirOrder_whereverTheyAreCut(cut: Int) throws {
        let (taken, left) = try take(Self.stream, cut: cut)
        let output = taken.flatMap { taken in
            if case .together(let pieces) = taken { pieces } else { [] as [[UInt8]] }
        }
        #expect(output == [[1], [2, 3], [5]])
        #expect(taken.last == .other(19, [0, 0]))
        let error = try #require(taken.firstIndex(of: .other(18, [4])))
        #expect(taken[..<error].contains(.together(cut < 15 ? [[2, 3]] : [[1], [2, 3]])))
        #expect(taken[error...].contains(.together([[5]])))
        #expect(left == 0)
    }

    @Test func whatFollowsTheLastFrame_isLeft() throws {
        let rest = Parley1.frame(.output, [6])
        let (taken, left) = try take(Self.stream + rest, last: 19)
        #expect(taken.last == .other(19, [0, 0]))
        #expect(left == rest.count)
    }

    @Test func whatCameBeforeAMistake_isHandedOver() {
        var taken: [Taken] = []
        let code = failureCode { () throws(StreamError) in
            try take(Parley1.frame(.output, [1]) + [99, 0, 0, 0], into: &taken)
        }
        #expect(code == .malformed)
        #expect(taken == [.together([[1]])])
    }

    /// - Returns: what was taken, and how many bytes were left.
    private func take(
        _ bytes: [UInt8], cut: Int = 0, last: UInt8? = nil
    ) throws(StreamError) -> ([Taken], Int) {
        var taken: [Taken] = []
        let left = try take(bytes, cut: cut, last: last, into: &taken)
        return (taken, left)
    }

    @discardableResult
    private func take(
        _ bytes: [UInt8], cut: Int = 0, last: UInt8? = nil, into taken: inout [Taken]
    ) throws(StreamError) -> Int {
        var reader = FrameReader(from: .server)
        var left = 0
        for piece in [Array(bytes[..<cut]), Array(bytes[cut...])] {
            var offset = 0
            try reader.takeAll(piece.span, at: &offset, joining: .output) { (pieces, bytes) in
                taken.append(.together(pieces.map { Array(copying: bytes.extracting($0)) }))
            } _: { (type, payload) in
                taken.append(.other(type.rawValue, Array(copying: payload)))
                return type.rawValue != last
            }
            left = piece.count - offset
        }
        return left
    }
}
