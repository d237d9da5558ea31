// What a client asks for: a command's name and its arguments.
// SPDX-License-Identifier: Apache-2.0
package import Sockets
internal import System

/// The payload of a run, read.
package struct Request: Equatable, Sendable {
    package var name: String
    package var arguments: [String]

    package init(name: String, arguments: [String]) {
        self.name = name
        self.arguments = arguments
    }

    /// Writes it as run parts and a run.
    package var frames: [UInt8] {
        var payload: [UInt8] = []
        for word in [name] + arguments {
            let bytes = Array(word.utf8)
            payload += [
                UInt8(truncatingIfNeeded: bytes.count >> 8), UInt8(truncatingIfNeeded: bytes.count),
            ]
            payload += bytes
        }
        var frames: [UInt8] = []
        while payload.count > Frame.payloadLimit {
            frames.append(.runPart, payload.prefix(Frame.payloadLimit))
            payload.removeFirst(Frame.payloadLimit)
        }
        frames.append(.run, payload)
        return frames
    }

    /// Whether it exceeds the limits, so that the server would refuse it.
    package var isTooLarge: Bool {
        arguments.count > Frame.argumentLimit
            || arguments.reduce(name.utf8.count, { $0 + $1.utf8.count }) > Frame.requestLimit
    }
}

/// Collects a run's payload from its parts; a server keeps no more of it than the limit.
package struct RequestReader {
    package enum Reading: Equatable, Sendable {
        case request(Request)
        /// The name is empty if it can't be determined.
        case tooLarge(name: String)
        /// The word with that number (0 is the name) is not UTF-8.
        case notText(word: Int, name: String)
    }

    /// Whether a part has come whose run has not. Stored, since it is asked for each run, from
    /// another module.
    package private(set) var isOpen = false
    private var parts: [UInt8] = []
    private var isTooLarge = false

    package init() {}

    package mutating func add(part: Span<UInt8>) {
        isOpen = true
        guard !isTooLarge, parts.count + part.count <= Self.payloadLimit else {
            isTooLarge = true
            parts = []
            return
        }
        parts.append(contentsOf: part)
    }

    /// Reads a run's payload after the parts that came before it.
    ///
    /// - Throws: `malformed`.
    package mutating func finish(_ last: Span<UInt8>) throws(StreamError) -> Reading {
        guard isOpen else { return try Self.read(last) }
        add(part: last)
        defer {
            isOpen = false
            parts = []
            isTooLarge = false
        }
        return isTooLarge ? .tooLarge(name: "") : try Self.read(parts.span)
    }

    private static func read(_ payload: Span<UInt8>) throws(StreamError) -> Reading {
        var words: [String] = []
        var wrong: Int?
        var total = 0
        var count = 0
        var offset = 0
        while offset < payload.count {
            guard payload.count - offset >= 2 else {
                throw .malformed("a run frame ends within a length")
            }
            let length = Int(payload[offset]) << 8 | Int(payload[offset + 1])
            offset += 2
            guard payload.count - offset >= length else {
                throw .malformed("a run frame has a length that goes beyond its end")
            }
            let bytes = payload.extracting(offset..<(offset + length))
            offset += length
            total += length
            // What is too large is read to its end, and not kept.
            if count <= Frame.argumentLimit, total <= Frame.requestLimit {
                let text = unsafe bytes.withUnsafeBufferPointer {
                    unsafe String(validating: $0, as: UTF8.self)
                }
                if text == nil, wrong == nil { wrong = count }
                words.append(text ?? "")
            }
            count += 1
        }
        if count > 1 + Frame.argumentLimit || total > Frame.requestLimit {
            return .tooLarge(name: words.first ?? "")
        }
        if let wrong { return .notText(word: wrong, name: words[0]) }
        guard let name = words.first, !name.isEmpty else {
            throw .malformed("a run frame has no command name")
        }
        return .request(Request(name: name, arguments: Array(words.dropFirst())))
    }

    /// Words at their size limit, with the lengths of the maximum number of words.
    private static let payloadLimit = Frame.requestLimit + 2 * (1 + Frame.argumentLimit)
}
