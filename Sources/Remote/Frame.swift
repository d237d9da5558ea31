// The frames of parley/1: types, limits, and how they are written.
// SPDX-License-Identifier: Apache-2.0

/// The types of frames; docs/protocol.md describes their payloads.
package enum FrameType: UInt8, CaseIterable, Sendable {
    case run = 1
    case runPart = 2
    case input = 3
    case inputEnd = 4
    case cancel = 5
    case ping = 6
    case pong = 7
    case inputWanted = 16
    case output = 17
    case errorOutput = 18
    case exit = 19
    case refusal = 20

    package enum Sender: Sendable { case client, server }

    package func isSent(by sender: Sender) -> Bool {
        switch self {
        case .ping, .pong: true
        case .run, .runPart, .input, .inputEnd, .cancel: sender == .client
        case .inputWanted, .output, .errorOutput, .exit, .refusal: sender == .server
        }
    }

    /// The lengths that its payload may have, in bytes.
    package var lengths: ClosedRange<Int> {
        switch self {
        case .inputEnd, .cancel, .ping, .pong: 0...0
        case .inputWanted: 4...4
        case .exit: 2...2
        case .refusal: 1...(1 + Frame.longestSentence)
        // A length and a byte are the shortest command.
        case .run: 0...Frame.payloadLimit
        case .runPart, .input, .output, .errorOutput: 1...Frame.payloadLimit
        }
    }
}

package enum Frame {
    /// With its header such a frame is 16,384 bytes, which one TLS record holds (RFC 8446,
    /// section 5.1).
    package static let payloadLimit = 16_380
    package static let headerLength = 4
    package static let longestSentence = 1_000
    /// A command's name and arguments, without their lengths: far more than a command line that a
    /// person writes, and too little to matter.
    package static let requestLimit = 32_768
    package static let argumentLimit = 64
    /// What a server reads ahead of a running command.
    package static let aheadLimit = 65_536

    /// How long so much payload is as frames, as few as will hold it.
    package static func length(of payload: Int) -> Int {
        payload + (payload + payloadLimit - 1) / payloadLimit * headerLength
    }

    package static func header(_ type: FrameType, _ length: Int) -> (UInt8, UInt8, UInt8, UInt8) {
        precondition(length <= payloadLimit)
        return (
            type.rawValue, UInt8(truncatingIfNeeded: length >> 16),
            UInt8(truncatingIfNeeded: length >> 8), UInt8(truncatingIfNeeded: length)
        )
    }
}

extension [UInt8] {
    package mutating func append(_ type: FrameType, _ payload: some Collection<UInt8> = []) {
        let header = Frame.header(type, payload.count)
        append(header.0)
        append(header.1)
        append(header.2)
        append(header.3)
        append(contentsOf: payload)
    }

    /// Appends bytes as frames of one type, as few as will hold them.
    package mutating func append(_ type: FrameType, cutting bytes: [UInt8]) {
        var start = 0
        while start < bytes.count {
            let end = Swift.min(start + Frame.payloadLimit, bytes.count)
            append(type, bytes[start..<end])
            start = end
        }
    }

    package mutating func append(inputWanted count: Int) {
        append(.inputWanted, (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) })
    }
}

extension OutputSpan<UInt8> {
    /// Makes frames of what was read behind the first `start` bytes, in full payloads with gaps for their headers.
    ///
    /// - Parameter count: the bytes that are kept, without the gaps.
    package mutating func frame(_ type: FrameType, from start: Int, keeping count: Int) {
        removeLast(self.count - start - Frame.length(of: count))
        var frames = mutableSpan
        var (begin, rest) = (start, count)
        while rest > 0 {
            let length = min(rest, Frame.payloadLimit)
            let header = Frame.header(type, length)
            frames[begin] = header.0
            frames[begin + 1] = header.1
            frames[begin + 2] = header.2
            frames[begin + 3] = header.3
            begin += Frame.headerLength + length
            rest -= length
        }
    }
}
