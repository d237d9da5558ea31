// Recognises a server's replies, in whatever pieces they come.
// SPDX-License-Identifier: Apache-2.0

/// Cuts what comes into replies, each of which must be the expected one.
struct ReplyReader {
    private let expected: BenchOptions.Reply
    private let length: Int
    /// Bytes of the reply under way.
    private var got = 0

    init(_ expected: BenchOptions.Reply) {
        self.expected = expected
        switch expected {
        case .exactly(let bytes): length = bytes.count
        case .length(let count): length = count
        }
    }

    /// How many replies have become whole; nil where a byte is wrong.
    mutating func take(_ bytes: Span<UInt8>) -> Int? {
        guard case .exactly(let text) = expected else {
            got += bytes.count
            let count = got / length
            got %= length
            return count
        }
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
}
