// parley/1 as docs/protocol.md has it: what tests send, and judge what the sources send by.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Sockets

/// The tests' own `parley/1`. Nothing of it is taken from the sources; ProtocolPageTests compares it
/// with the page.
enum Parley1 {
    enum Sender: CaseIterable, Sendable { case client, server }

    /// A frame's type.
    struct Kind: Hashable, Sendable, CustomTestStringConvertible {
        let number: UInt8
        /// As the page calls it.
        let name: String
        let senders: Set<Sender>
        /// The bytes that its payload may have.
        let lengths: ClosedRange<Int>

        var testDescription: String { name }

        fileprivate init(
            _ number: UInt8, _ name: String, _ senders: Set<Sender>, _ lengths: ClosedRange<Int>
        ) {
            (self.number, self.name) = (number, name)
            (self.senders, self.lengths) = (senders, lengths)
        }
    }

    static let kinds: [Kind] = [
        .run, .runPart, .input, .inputEnd, .cancel, .ping, .pong, .inputWanted, .output,
        .errorOutput, .exit, .refusal,
    ]

    // MARK: Writing

    /// A frame's first bytes, which may announce what no frame may have.
    static func header(_ number: UInt8, _ length: Int) -> [UInt8] {
        [number, UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255)]
    }

    static func frame(_ kind: Kind, _ payload: [UInt8] = []) -> [UInt8] {
        header(kind.number, payload.count) + payload
    }

    /// A run of one frame: the command's name, and then its arguments.
    static func run(_ words: String...) -> [UInt8] {
        frame(
            .run,
            words.flatMap { word in
                [UInt8(word.utf8.count >> 8), UInt8(word.utf8.count & 255)] + word.utf8
            })
    }

    // MARK: Reading

    struct Frame: Equatable {
        let kind: Kind
        let payload: [UInt8]
    }

    /// How a run was answered.
    enum Answer: Equatable {
        /// The exit's two bytes: how it ended, and its number.
        case exit(UInt8, UInt8)
        case refusal(code: UInt8, sentence: String)

        /// A refusal's code; nil if it is not one.
        var code: UInt8? { if case .refusal(let code, _) = self { code } else { nil } }
    }

    /// The frames that a stream brings.
    struct Frames {
        private let stream: any ByteStream
        private var bytes: [UInt8] = []

        init(_ stream: any ByteStream) { self.stream = stream }

        /// Waits for the next frame.
        mutating func next() async throws -> Frame {
            while true {
                if let frame = try whole() { return frame }
                bytes += try #require(
                    try await stream.readBytes(), "the session ended before a whole frame came")
            }
        }

        /// Waits for an exit or a refusal.
        ///
        /// - Returns: that, and the output before it.
        mutating func answer() async throws -> (Answer, output: String) {
            var output = ""
            while true {
                let frame = try await next()
                let payload = frame.payload
                switch frame.kind {
                case .output: output += String(decoding: payload, as: UTF8.self)
                case .exit: return (.exit(payload[0], payload[1]), output)
                case .refusal:
                    let sentence = String(decoding: payload.dropFirst(), as: UTF8.self)
                    return (.refusal(code: payload[0], sentence: sentence), output)
                default: break
                }
            }
        }

        private mutating func whole() throws -> Frame? {
            guard bytes.count >= 4 else { return nil }
            let number = bytes[0]
            let length = Int(bytes[1]) << 16 | Int(bytes[2]) << 8 | Int(bytes[3])
            let kind = try #require(Parley1.kinds.first { $0.number == number })
            try #require(kind.lengths.contains(length))
            guard bytes.count >= 4 + length else { return nil }
            defer { bytes.removeFirst(4 + length) }
            return Frame(kind: kind, payload: Array(bytes[4..<4 + length]))
        }
    }
}

extension Parley1.Kind {
    static let run = Self(1, "run", [.client], 0...16_380)
    static let runPart = Self(2, "run part", [.client], 1...16_380)
    static let input = Self(3, "input", [.client], 1...16_380)
    static let inputEnd = Self(4, "input end", [.client], 0...0)
    static let cancel = Self(5, "cancel", [.client], 0...0)
    static let ping = Self(6, "ping", [.client, .server], 0...0)
    static let pong = Self(7, "pong", [.client, .server], 0...0)
    static let inputWanted = Self(16, "input wanted", [.server], 4...4)
    static let output = Self(17, "output", [.server], 1...16_380)
    static let errorOutput = Self(18, "error output", [.server], 1...16_380)
    static let exit = Self(19, "exit", [.server], 2...2)
    static let refusal = Self(20, "refusal", [.server], 1...1_001)
}
