// The frames of parley/1: what is taken, and what is not.
// SPDX-License-Identifier: Apache-2.0
import Sockets
import System
import Testing

@testable import Remote
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct FrameTests {
    @Test(arguments: Parley1.kinds, Parley1.Sender.allCases)
    func type_isTaken_fromItsSenderOnly(kind: Parley1.Kind, sender: Parley1.Sender) throws {
        let payload = [UInt8](repeating: 1, count: kind.lengths.lowerBound)
        let bytes = Parley1.frame(kind, payload)
        if kind.senders.contains(sender) {
            #expect(try frames(bytes, from: sender) == [Read(kind.number, payload)])
        } else {
            #expect(failure(bytes, from: sender) == .malformed)
        }
    }

    @Test(
        arguments: (UInt8.min...UInt8.max).filter { number in
            !Parley1.kinds.contains { $0.number == number }
        })
    func unknownType_isMalformed(type: UInt8) {
        for sender in Parley1.Sender.allCases {
            #expect(failure([type, 0, 0, 0], from: sender) == .malformed)
        }
    }

    @Test(arguments: Parley1.kinds)
    func length_isTaken_withinTheTypesBoundsOnly(kind: Parley1.Kind) throws {
        let sender: Parley1.Sender = kind.senders.contains(.client) ? .client : .server
        for length in [0, 1, 2, 3, 4, 5, 1_000, 1_001, 1_002, 16_379, 16_380, 16_381, 65_536] {
            let bytes =
                Parley1.header(kind.number, length)
                + [UInt8](repeating: 7, count: min(length, 16_380))
            if kind.lengths.contains(length) {
                #expect(try frames(bytes, from: sender).map(\.payload.count) == [length])
            } else {
                #expect(failure(bytes, from: sender) == .malformed)
            }
        }
    }

    @Test func tooLongFrame_isMalformed_beforeItsPayloadComes() {
        #expect(failure([3, 0xff, 0xff, 0xff], from: .client) == .malformed)
        #expect(failure([3, 0, 0x3f, 0xfd], from: .client) == .malformed)
    }

    @Test(arguments: [1, 2, 3, 4, 5, 7, 16_383, 16_384])
    func frames_areTheSame_inPiecesOfAnySize(size: Int) throws {
        let stream =
            Parley1.run("Hello") + Parley1.frame(.ping)
            + Parley1.frame(.input, [UInt8](repeating: 0xff, count: 16_380))
            + Parley1.frame(.inputEnd) + Parley1.frame(.cancel)
        #expect(
            try frames(stream, from: .client, inPiecesOf: size) == frames(stream, from: .client))
    }

    @Test func frameThatHasNotCome_isWaitedFor() throws {
        let whole = Parley1.frame(.output, [1, 2, 3])
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
        #expect(outcome.frame == Parley1.frame(.exit, payload))
    }

    @Test(
        arguments: [[1, 0], [1, 65], [2, 1], [3, 9], [4, 1], [5, 0], [255, 255]] as [[UInt8]])
    func exitWithoutAMeaning_isMalformed(payload: [UInt8]) {
        #expect(
            failureCode { () throws(StreamError) in try Remote.Outcome.exit(payload.span) }
                == .malformed)
    }

    @Test(
        arguments: [
            (1, .unknownCommand), (2, .notAllowed), (3, .badArgument), (4, .busy), (5, .tooLarge),
            (6, .malformed), (7, .shuttingDown), (8, .unavailable), (9, .cancelled),
        ] as [(UInt8, Refusal.Code)])
    func refusal_saysWhyTheCommandWasNotStarted(number: UInt8, code: Refusal.Code) throws {
        let refusal = Refusal(code, "no, für heute nicht")
        let payload = [number] + "no, für heute nicht".utf8
        #expect(refusal.frame == Parley1.frame(.refusal, payload))
        #expect(Remote.Outcome.refusal(payload.span) == .refused(refusal))
    }

    @Test func refusalOfALaterServer_isStillOne() {
        let payload: [UInt8] = [200] + "new".utf8
        #expect(Remote.Outcome.refusal(payload.span) == .refused(Refusal(.unavailable, "new")))
    }

    @Test func refusalsSentence_isCutToWhatAFrameMayHave() throws {
        let long = String(repeating: "ü", count: 5_000)
        let read = try #require(try frames(Refusal(.busy, long).frame, from: .server).first)
        #expect(read.payload.count == 1 + 1_000)
        #expect(String(validating: read.payload.dropFirst(), as: UTF8.self) != nil)
    }
}

/// A frame that was read.
struct Read: Equatable {
    let type: UInt8
    let payload: [UInt8]

    init(_ type: UInt8, _ payload: [UInt8]) {
        self.type = type
        self.payload = payload
    }
}

/// Reads frames out of bytes that come in pieces.
func frames(
    _ bytes: [UInt8], from sender: Parley1.Sender, inPiecesOf size: Int = .max
) throws(StreamError) -> [Read] {
    var reader = FrameReader(from: sender == .client ? .client : .server)
    var read: [Read] = []
    var start = 0
    while start < bytes.count {
        let piece = Array(bytes[start..<min(bytes.count, start + min(size, bytes.count))])
        start += piece.count
        var offset = 0
        while try reader.next(
            piece.span, at: &offset,
            { (type, payload) throws(StreamError) in
                read.append(Read(type.rawValue, Array(copying: payload)))
            })
        {}
        #expect(offset == piece.count)
    }
    return read
}

/// What reading fails with; nil where it doesn't.
private func failure(_ bytes: [UInt8], from sender: Parley1.Sender) -> StreamError.Code? {
    failureCode { () throws(StreamError) in try frames(bytes, from: sender) }
}
