// The frames of parley/1: what is taken, and what is not.
// SPDX-License-Identifier: Apache-2.0
import Sockets
import System
import Testing

@testable import Remote

@Suite(.timeLimit(.minutes(1)))
struct FrameTests {
    @Test(arguments: FrameType.allCases, [FrameType.Sender.client, .server])
    func type_isTaken_fromItsSenderOnly(type: FrameType, sender: FrameType.Sender) throws {
        let bytes = frame(type, [UInt8](repeating: 1, count: type.lengths.lowerBound))
        if type.isSent(by: sender) {
            #expect(try frames(bytes, from: sender) == [Read(type, bytes.dropFirst(4))])
        } else {
            #expect(code { try frames(bytes, from: sender) } == .malformed)
        }
    }

    @Test(arguments: [0, 8, 9, 15, 21, 22, 127, 128, 255] as [UInt8])
    func unknownType_isMalformed(type: UInt8) {
        #expect(code { try frames([type, 0, 0, 0], from: .client) } == .malformed)
        #expect(code { try frames([type, 0, 0, 0], from: .server) } == .malformed)
    }

    @Test(arguments: FrameType.allCases)
    func length_isTaken_withinTheTypesBoundsOnly(type: FrameType) throws {
        let sender: FrameType.Sender = type.isSent(by: .client) ? .client : .server
        for length in [0, 1, 2, 3, 4, 5, 1_000, 1_001, 1_002, 16_379, 16_380, 16_381, 65_536] {
            let bytes =
                header(type.rawValue, length) + [UInt8](repeating: 7, count: min(length, 16_380))
            if type.lengths.contains(length) {
                #expect(try frames(bytes, from: sender).map(\.payload.count) == [length])
            } else {
                #expect(code { try frames(bytes, from: sender) } == .malformed)
            }
        }
    }

    @Test func tooLongFrame_isMalformed_beforeItsPayloadComes() {
        #expect(code { try frames([3, 0xff, 0xff, 0xff], from: .client) } == .malformed)
        #expect(code { try frames([3, 0, 0x3f, 0xfd], from: .client) } == .malformed)
    }

    @Test(arguments: [1, 2, 3, 4, 5, 7, 16_383, 16_384])
    func frames_areTheSame_inPiecesOfAnySize(size: Int) throws {
        let stream =
            frame(.run, Array("\0\u{5}Hello".utf8)) + frame(.ping, [])
            + frame(.input, [UInt8](repeating: 0xff, count: 16_380)) + frame(.inputEnd, [])
            + frame(.cancel, [])
        #expect(
            try frames(stream, from: .client, inPiecesOf: size) == frames(stream, from: .client))
    }

    @Test func frameThatHasNotCome_isWaitedFor() throws {
        let whole = frame(.output, [1, 2, 3])
        for count in 0..<whole.count {
            #expect(try frames(Array(whole.prefix(count)), from: .server) == [])
        }
    }

    @Test(
        arguments: [
            ([0, 0], Remote.Outcome.ended(.status(0))), ([0, 255], .ended(.status(255))),
            ([1, 15], .ended(.signal(15))), ([1, 64], .ended(.signal(64))), ([2, 0], .timedOut),
            ([3, 0], .overOutput), ([4, 0], .leftRunning),
        ] as [([UInt8], Remote.Outcome)])
    func exit_saysHowTheCommandEnded(payload: [UInt8], outcome: Remote.Outcome) throws {
        #expect(try Remote.Outcome.exit(payload.span) == outcome)
        #expect(outcome.frame == frame(.exit, payload))
    }

    @Test(
        arguments: [[1, 0], [1, 65], [2, 1], [3, 9], [4, 1], [5, 0], [255, 255]] as [[UInt8]])
    func exitWithoutAMeaning_isMalformed(payload: [UInt8]) {
        #expect(code { try Remote.Outcome.exit(payload.span) } == .malformed)
    }

    @Test(arguments: Refusal.Code.allCases)
    func refusal_comesBackAsItWasSent(code: Refusal.Code) throws {
        let refusal = Refusal(code, "no, für heute nicht")
        let read = try #require(try frames(refusal.frame, from: .server).first)
        #expect(Remote.Outcome.refusal(read.payload.span) == .refused(refusal))
    }

    @Test func refusalOfALaterServer_isStillOne() {
        let payload: [UInt8] = [200] + "new".utf8
        #expect(Remote.Outcome.refusal(payload.span) == .refused(Refusal(.unavailable, "new")))
    }

    @Test func refusalsSentence_isCutToWhatAFrameMayHave() throws {
        let long = String(repeating: "ü", count: 5_000)
        let read = try #require(try frames(Refusal(.busy, long).frame, from: .server).first)
        #expect(read.payload.count == 1 + Frame.longestSentence)
        #expect(String(validating: read.payload.dropFirst(), as: UTF8.self) != nil)
    }
}

/// A frame that was read.
struct Read: Equatable {
    let type: FrameType
    let payload: [UInt8]

    init(_ type: FrameType, _ payload: some Sequence<UInt8>) {
        self.type = type
        self.payload = Array(payload)
    }
}

func header(_ type: UInt8, _ length: Int) -> [UInt8] {
    [type, UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255)]
}

func frame(_ type: FrameType, _ payload: [UInt8]) -> [UInt8] {
    header(type.rawValue, payload.count) + payload
}

/// Reads frames out of bytes that come in pieces.
func frames(
    _ bytes: [UInt8], from sender: FrameType.Sender, inPiecesOf size: Int = .max
) throws(StreamError) -> [Read] {
    var reader = FrameReader(from: sender)
    var read: [Read] = []
    var start = 0
    while start < bytes.count {
        let piece = Array(bytes[start..<min(bytes.count, start + min(size, bytes.count))])
        start += piece.count
        var offset = 0
        while let one = try reader.next(
            piece.span, at: &offset,
            { (type, payload) throws(StreamError) in
                var bytes: [UInt8] = []
                for index in payload.indices { bytes.append(payload[index]) }
                return Read(type, bytes)
            })
        {
            read.append(one)
        }
        #expect(offset == piece.count)
    }
    return read
}

/// The code of what is thrown.
func code<T>(_ body: () throws -> T) -> StreamError.Code? {
    do {
        _ = try body()
        return nil
    } catch {
        return (error as? StreamError)?.code
    }
}
