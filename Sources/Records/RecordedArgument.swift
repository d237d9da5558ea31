// What records say of an argument.
// SPDX-License-Identifier: Apache-2.0

/// An argument of a command, as far as a record may know it.
package enum RecordedArgument: Hashable, Sendable {
    case open(String)
    /// One that the table calls secret, or of which that isn't known: its length in bytes.
    case secret(length: Int)
    /// Of an open one that is too long for any record but a start's: its beginning, and the length of all of it in bytes.
    case cut(String, length: Int)

    package init(_ text: String, isSecret: Bool) {
        self = isSecret ? .secret(length: text.utf8.count) : .open(text)
    }
}

extension [RecordedArgument] {
    /// As many of them as records have other than that of a start, the last of these may be cut: whoever is refused may send as much
    /// as he likes, and what a start has said need not be said again.
    var bounded: [RecordedArgument] {
        var room = Self.mostBytes
        var bounded: [RecordedArgument] = []
        for argument in self {
            guard room > 0 else { break }
            var argument = argument
            if case .open(let text) = argument {
                argument =
                    text.cut(to: Swift.min(room, Self.mostOfOne)).map {
                        .cut($0, length: text.utf8.count)
                    } ?? argument
            }
            bounded.append(argument)
            room -= argument.weight
        }
        return bounded
    }

    /// Of one argument.
    static var mostOfOne: Int { 256 }
    /// Of all, where each counts as `least` or more.
    static var mostBytes: Int { 512 }
}

extension RecordedArgument {
    /// What it takes of a record, by and large.
    fileprivate var weight: Int {
        switch self {
        case .open(let text), .cut(let text, _): max(text.utf8.count, Self.least)
        case .secret: Self.least
        }
    }

    private static var least: Int { 8 }
}

extension String {
    /// Its first bytes, as far as they are whole characters of Unicode; nil where it has no more than so many.
    func cut(to count: Int) -> String? {
        guard utf8.count > count else { return nil }
        var end = utf8.index(utf8.startIndex, offsetBy: count)
        while end > utf8.startIndex, utf8[end] & 0xC0 == 0x80 { end = utf8.index(before: end) }
        return String(self[..<end])
    }
}
