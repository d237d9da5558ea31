// Recognises a server's replies, in whatever pieces they come.
// SPDX-License-Identifier: Apache-2.0

/// Splits the input into replies, each of which must be the expected one.
struct ReplyReader {
    private let expected: BenchOptions.Reply
    private let length: Int
    /// Bytes of the current reply so far or, for a program, of its frame.
    private var got = 0
    /// The header of a program's frame.
    private var header: [UInt8] = []

    init(_ expected: BenchOptions.Reply) {
        self.expected = expected
        switch expected {
        case .exactly(let bytes): length = bytes.count
        case .length(let count): length = count
        case .exits: length = 0
        }
    }

    /// How many replies are now complete; nil if a byte is wrong.
    mutating func take(_ bytes: Span<UInt8>) -> Int? {
        switch expected {
        case .length:
            got += bytes.count
            let count = got / length
            got %= length
            return count
        case .exactly(let text): return take(bytes, of: text)
        case .exits: return takeFrames(bytes)
        }
    }

    private mutating func take(_ bytes: Span<UInt8>, of text: [UInt8]) -> Int? {
        var whole = 0
        for index in 0..<bytes.count {
            guard bytes[index] == text[got] else { return nil }
            got += 1
            if got == length {
                got = 0
                whole += 1
            }
        }
        return whole
    }

    /// Skips what a program wrote, and what the server says about its input.
    private mutating func takeFrames(_ bytes: Span<UInt8>) -> Int? {
        var whole = 0
        for index in 0..<bytes.count {
            if header.count < 4 {
                header.append(bytes[index])
                guard Self.expected.contains(header[0]) else { return nil }
            } else {
                guard header[0] != Self.exit || bytes[index] == 0 else { return nil }
                got += 1
            }
            let payload = header.dropFirst().reduce(0) { $0 << 8 | Int($1) }
            guard header.count == 4, got == payload else { continue }
            if header[0] == Self.exit { whole += 1 }
            header.removeAll(keepingCapacity: true)
            got = 0
        }
        return whole
    }

    private static let exit: UInt8 = 19
    /// Input wanted, output, error output, exit.
    private static let expected: ClosedRange<UInt8> = 16...exit
}
