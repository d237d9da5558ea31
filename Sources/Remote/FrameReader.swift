// Cuts a stream's bytes into frames.
// SPDX-License-Identifier: Apache-2.0
public import Sockets
public import System

/// Reads one direction of parley/1, whatever pieces it comes in. It holds at most one frame that is
/// still incomplete.
package struct FrameReader {
    private let sender: FrameType.Sender
    private var partial: [UInt8] = []

    /// - Parameter sender: whose frames these are.
    package init(from sender: FrameType.Sender) {
        self.sender = sender
    }

    /// Whether the next byte is a frame's first.
    private var isBetweenFrames: Bool { partial.isEmpty }

    /// Hands over the incomplete frame so far, so that it can be read again.
    package mutating func takePartial() -> [UInt8] {
        defer { partial = [] }
        return partial
    }

    /// Takes the next frame out of `bytes`, beginning at `offset`, which moves on.
    ///
    /// The body has no result: one of any type would cost each frame a copy through the table of its
    /// type, since other modules call this.
    ///
    /// - Returns: false if it is still incomplete; `bytes` is used up then.
    /// - Throws: `malformed`, or what `body` throws; nothing can be read after that.
    package mutating func next(
        _ bytes: Span<UInt8>, at offset: inout Int,
        _ body: (FrameType, Span<UInt8>) throws(StreamError) -> Void
    ) throws(StreamError) -> Bool {
        if isBetweenFrames, bytes.count - offset >= Frame.headerLength {
            let (type, length) = try header(bytes, at: offset)
            let start = offset + Frame.headerLength
            if bytes.count - start >= length {
                offset = start + length
                try body(type, bytes.extracting(start..<(start + length)))
                return true
            }
        }
        take(from: bytes, at: &offset, upTo: Frame.headerLength)
        guard partial.count >= Frame.headerLength else { return false }
        let (type, length) = try header(partial.span, at: 0)
        take(from: bytes, at: &offset, upTo: Frame.headerLength + length)
        guard partial.count == Frame.headerLength + length else { return false }
        // Out of the way first: the body may end the session.
        var whole: [UInt8] = []
        swap(&whole, &partial)
        try body(type, whole.span.extracting(droppingFirst: Frame.headerLength))
        return true
    }

    /// Takes all frames out of `bytes`, beginning at `offset`, which moves on. Payloads of one type that came together
    /// are handed over together; only pings and pongs may have been between them.
    ///
    /// - Parameters:
    ///   - type: the type of those frames.
    ///   - together: takes their payloads, which are pieces of its span.
    ///   - body: takes each other frame, and says whether to go on after it.
    /// - Throws: `malformed`, or what the closures throw; nothing can be read after that, and what came before it was
    ///   handed over.
    package mutating func takeAll(
        _ bytes: Span<UInt8>, at offset: inout Int, joining type: FrameType,
        _ together: ([Range<Int>], Span<UInt8>) throws(StreamError) -> Void,
        _ body: (FrameType, Span<UInt8>) throws(StreamError) -> Bool
    ) throws(StreamError) {
        var payloads: [Range<Int>] = []
        func handOver() throws(StreamError) {
            guard !payloads.isEmpty else { return }
            defer { payloads = [] }
            try together(payloads, bytes)
        }
        do throws(StreamError) {
            var goesOn = true
            while goesOn {
                let isInBytes = isBetweenFrames
                var length = 0
                let hasCome = try next(bytes, at: &offset) {
                    (taken, payload) throws(StreamError) in
                    if taken == type, isInBytes {
                        length = payload.count
                        return
                    }
                    if taken != .ping, taken != .pong { try handOver() }
                    if taken == type {
                        try together([0..<payload.count], payload)
                    } else {
                        goesOn = try body(taken, payload)
                    }
                }
                guard hasCome else { break }
                if length > 0 { payloads.append((offset - length)..<offset) }
            }
        } catch {
            try handOver()
            throw error
        }
        try handOver()
    }

    private mutating func take(from bytes: Span<UInt8>, at offset: inout Int, upTo count: Int) {
        let end = min(bytes.count, offset + max(0, count - partial.count))
        partial.append(contentsOf: bytes.extracting(offset..<end))
        offset = end
    }

    private func header(
        _ bytes: Span<UInt8>, at offset: Int
    ) throws(StreamError) -> (FrameType, Int) {
        guard let type = FrameType(rawValue: bytes[offset]), type.isSent(by: sender) else {
            throw .malformed(
                "\(bytes[offset]) is not a frame type that the \(peer) sends")
        }
        let length =
            Int(bytes[offset + 1]) << 16 | Int(bytes[offset + 2]) << 8 | Int(bytes[offset + 3])
        guard type.lengths.contains(length) else {
            throw .malformed("a frame of type \(type.rawValue) is not \(length) bytes long")
        }
        return (type, length)
    }

    private var peer: String { sender == .client ? "client" : "server" }
}

extension StreamError {
    /// The peer broke a rule of parley/1.
    package static func malformed(_ reason: String) -> StreamError {
        StreamError(.malformed, "the peer violated parley/1: \(reason)")
    }
}

extension StreamError.Code {
    /// The peer broke a rule of parley/1.
    public static var malformed: Self { Self(rawValue: "malformed") }
}
