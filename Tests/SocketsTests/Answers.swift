// Streams that answer by themselves, and what their writes came to.
// SPDX-License-Identifier: Apache-2.0
@testable import Sockets

/// How an answering ended.
enum Ending: Equatable {
    /// After `.last`.
    case answered
    case peerEnded
    case failed(StreamError.Code)
}

func answer(
    _ stream: some ByteStream, upTo maximum: Int,
    _ body: @escaping (Span<UInt8>, inout OutputSpan<UInt8>) -> Turn
) async -> Ending {
    do throws(StreamError) {
        return try await stream.answer(upTo: maximum, body) ? .answered : .peerEnded
    } catch {
        return .failed(error.code)
    }
}

func echo(
    _ stream: some ByteStream, upTo maximum: Int = 1_024, _ turn: Turn
) async -> Ending {
    await answer(stream, upTo: maximum) { message, output in
        for index in message.indices { output.append(message[index]) }
        return turn
    }
}

/// A plain stream that notes what each of its writes came to, since a socket joins them.
final class WrittenPieces: ByteStream {
    private let stream: PlainStream
    private(set) var pieces: [Int] = []

    init(_ stream: PlainStream) { self.stream = stream }

    var channel: Channel { stream.channel }
    var peerName: String? { nil }
    var readAhead: [UInt8]? {
        get { stream.readAhead }
        set { stream.readAhead = newValue }
    }

    func attemptRead(into output: inout OutputSpan<UInt8>) throws(StreamError) -> Attempt {
        try stream.attemptRead(into: &output)
    }

    func attemptWrite(_ bytes: Span<UInt8>) throws(StreamError) -> Attempt {
        let attempt = try stream.attemptWrite(bytes)
        if case .moved(let count) = attempt { pieces.append(count) }
        return attempt
    }

    func attemptClose() throws(StreamError) -> Attempt { try stream.attemptClose() }
}
