// A place in a JSON5 text.
// SPDX-License-Identifier: Apache-2.0

/// Moves through a text from start to end, never back.
struct JSON5Cursor {
    let bytes: [UInt8]
    /// Whether any line ends at a line feed. Computed once, since each comment may ask.
    let hasLineFeeds: Bool
    /// The offset of the next byte; at the end, the number of bytes.
    private(set) var at: Int

    init(_ bytes: [UInt8], at start: Int) {
        self.bytes = bytes
        hasLineFeeds = bytes.contains(UInt8(ascii: "\n"))
        at = start
    }

    /// Nil at the end.
    var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    /// - Parameter count: at most as many as are left.
    mutating func skip(_ count: Int = 1) { at += count }

    mutating func skip(while isSkipped: (UInt8) -> Bool) {
        while let byte = next, isSkipped(byte) { at += 1 }
    }

    /// Takes a character if it comes next.
    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        at += 1
        return true
    }

    /// What comes next is a mistake.
    func unexpected(_ expected: String) -> Mistake {
        // Enough for any one character.
        let rest = String(decoding: bytes[at...].prefix(4), as: UTF8.self).unicodeScalars
        let found = rest.first.map { quoted(String($0)) } ?? "the end of the file"
        return Mistake(.syntax, at: at, "found \(found); expected \(expected)")
    }
}

extension UInt8 {
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    var isHexDigit: Bool {
        isDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(self | 0x20)
    }

    /// Whether a number can begin with it.
    var beginsNumber: Bool { isDigit || "+-.".utf8.contains(self) }

    /// Whether it can be part of a number, a plain name or a word such as `true`.
    var isWord: Bool {
        beginsNumber || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20)
            || "_$".utf8.contains(self)
    }
}
