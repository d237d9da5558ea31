// Fuzzes the frames of parley/1, in both directions. The limits are those of docs/protocol.md.
// SPDX-License-Identifier: Apache-2.0
import Sockets
import System

@testable import Remote

func fuzzClientFrames(_ bytes: [UInt8]) throws(Finding) {
    // Parts that fill a run up to its limit, which no small input could reach.
    var stream: [UInt8] = []
    for _ in 0xfd..<max(0xfd, Int(bytes.first ?? 0)) {
        stream.append(.runPart, [UInt8](repeating: 0, count: 16_380))
    }
    try fuzzFrames(
        stream + bytes.dropFirst(2), from: .client, cut: Int(bytes.dropFirst().first ?? 0))
}

func fuzzServerFrames(_ bytes: [UInt8]) throws(Finding) {
    try fuzzFrames(Array(bytes.dropFirst()), from: .server, cut: Int(bytes.first ?? 0))
}

private func fuzzFrames(
    _ stream: [UInt8], from sender: FrameType.Sender, cut: Int
) throws(Finding) {
    let whole = try reading(stream, from: sender, piece: stream.count)
    // Small pieces of what is long would take all the time.
    for piece in [1, 2 + cut % 16, 20 + cut * 16] where stream.count <= piece * 512 {
        for givesUp in [false, true] where !givesUp || stream.count <= piece * 64 {
            try require(
                try reading(stream, from: sender, piece: piece, givesUp: givesUp) == whole,
                "pieces of \(piece) bytes are read as the whole is")
        }
    }
    // What was read is what is there.
    try require(
        stream.starts(with: whole.frames), "the frames are those of the stream, written again")
}

/// What a stream was read as.
private struct Reading: Equatable {
    /// All frames that came whole.
    var frames: [UInt8] = []
    /// What was made of them.
    var notes: [Note] = []
    var failure: String?
}

/// - Parameter givesUp: has the reader give up what it has of a frame before each piece.
private func reading(
    _ stream: [UInt8], from sender: FrameType.Sender, piece: Int, givesUp: Bool = false
) throws(Finding) -> Reading {
    var reader = FrameReader(from: sender)
    var payloads = Payloads()
    var result = Reading()
    var start = 0
    while start < stream.count, result.failure == nil {
        let end = min(start + piece, stream.count)
        let kept = givesUp ? reader.takePartial() : []
        let bytes = kept + stream[start..<end]
        start = end
        var offset = 0
        var finding: Finding?
        do throws(StreamError) {
            while try reader.next(
                bytes.span, at: &offset,
                { (type, payload) throws(StreamError) -> Void in
                    let copy = payload.indices.map { payload[$0] }
                    result.frames.append(type, copy)
                    do {
                        result.notes.append(try payloads.note(type, payload, copy))
                    } catch let error as StreamError {
                        throw error
                    } catch {
                        finding = error as? Finding
                    }
                })
            {
                if let finding { throw finding.asStreamError }
            }
            try keep(offset == bytes.count)
        } catch {
            if let finding { throw finding }
            result.failure = error.sentence
        }
    }
    let left = reader.takePartial()
    try require(
        left.count < 4 + 16_380, "less than a frame is kept")
    return result
}

private func keep(_ isUsedUp: Bool) throws(StreamError) {
    precondition(isUsedUp, "bytes are used up where no frame came")
}

extension Finding {
    fileprivate var asStreamError: StreamError { StreamError(.malformed, description) }
}

/// What a payload says.
private enum Note: Equatable {
    case bytes
    case reading(RequestReader.Reading)
    case isRunning(Bool)
    case outcome(Outcome)
}

/// What an end keeps from one frame to the next.
private struct Payloads {
    private var requests = RequestReader()
    private var ledger = InputLedger()

    init() { ledger.want(1_000) }

    /// Reads a payload as its end would.
    mutating func note(_ type: FrameType, _ payload: Span<UInt8>, _ bytes: [UInt8]) throws -> Note {
        switch type {
        case .run:
            let wasOpen = requests.isOpen
            let request = try requests.finish(payload)
            try require(!requests.isOpen, "a run ends its parts")
            try check(request)
            if case .request(let read) = request, !wasOpen {
                var frame: [UInt8] = []
                frame.append(.run, bytes)
                try require(read.frames == frame, "a request is written as it came")
            }
            return .reading(request)
        case .runPart:
            requests.add(part: payload)
            return .bytes
        case .input: return .isRunning(try ledger.receive(payload.count))
        case .inputEnd: return .isRunning(try ledger.end())
        case .exit:
            let outcome = try Outcome.exit(payload)
            var frame: [UInt8] = []
            frame.append(.exit, bytes)
            try require(outcome.frame == frame, "an exit is written as it came")
            return .outcome(outcome)
        case .refusal:
            let outcome = Outcome.refusal(payload)
            let again = outcome.frame.dropFirst(4)
            try require((1...1_001).contains(again.count), "a refusal keeps to its length")
            guard case .refused(let read) = outcome,
                case .refused(let copy) = Outcome.refusal(Array(again).span)
            else { throw Finding(description: "a refusal is one") }
            try require(
                copy.code == read.code && read.sentence.utf8.starts(with: copy.sentence.utf8),
                "a refusal is written as it came")
            return .outcome(outcome)
        case .inputWanted, .output, .errorOutput, .cancel, .ping, .pong: return .bytes
        }
    }

    private func check(_ reading: RequestReader.Reading) throws {
        switch reading {
        case .request(let request):
            try require(!request.name.isEmpty && !request.isTooLarge, "a request is in its limits")
            var reader = RequestReader()
            var frames = FrameReader(from: .client)
            var again: RequestReader.Reading?
            var offset = 0
            let bytes = request.frames
            while try frames.next(
                bytes.span, at: &offset,
                { (type, payload) throws(StreamError) -> Void in
                    if type == .run {
                        again = try reader.finish(payload)
                    } else {
                        reader.add(part: payload)
                    }
                })
            {}
            try require(again == reading, "a request comes back as it was sent")
        case .tooLarge(let name):
            try require(name.utf8.count <= 32_768, "a name is in its limits")
        case .notText(let word, let name):
            try require(
                (0...64).contains(word) && (word > 0 || name.isEmpty),
                "a wrong word is one of those that came")
        }
    }
}
