// What records say about an argument.
// SPDX-License-Identifier: Apache-2.0

/// An argument of a command, as far as a record may show it.
package enum RecordedArgument: Hashable, Sendable {
    case open(String)
    /// One that the table calls secret, or about which that isn't known: its length in bytes.
    case secret(length: Int)
    /// One that is not secret but too long for any record except a start's: its beginning, and its full length in bytes.
    case cut(String, length: Int)

    package init(_ text: String, isSecret: Bool) {
        self = isSecret ? .secret(length: text.utf8.count) : .open(text)
    }
}

extension [RecordedArgument] {
    /// The arguments for records other than that of a start, the last of which may be cut: a client that is refused may send as much
    /// as it likes, and what the start's record says need not be repeated.
    var bounded: [RecordedArgument] {
        var room = Self.maxBytes
        var bounded: [RecordedArgument] = []
        for argument in self {
            guard room > 0 else { break }
            var argument = argument
            if case .open(let text) = argument {
                argument =
                    text.cut(to: Swift.min(room, Self.maxPerArgument)).map {
                        .cut($0, length: text.utf8.count)
                    } ?? argument
            }
            bounded.append(argument)
            room -= argument.weight
        }
        return bounded
    }

    /// For one argument.
    static var maxPerArgument: Int { 256 }
    /// For all together, each of which counts for at least `least`.
    static var maxBytes: Int { 512 }
}

extension RecordedArgument {
    /// Roughly how much of a record it takes.
    fileprivate var weight: Int {
        switch self {
        case .open(let text), .cut(let text, _): max(text.utf8.count, Self.least)
        case .secret: Self.least
        }
    }

    private static var least: Int { 8 }
}

extension String {
    /// Its first bytes, as far as they are complete Unicode characters; nil if it has no more than that.
    func cut(to count: Int) -> String? {
        guard utf8.count > count else { return nil }
        var end = utf8.index(utf8.startIndex, offsetBy: count)
        while end > utf8.startIndex, utf8[end] & 0xC0 == 0x80 { end = utf8.index(before: end) }
        return String(self[..<end])
    }
}
