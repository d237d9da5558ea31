// A position in a text.
// SPDX-License-Identifier: Apache-2.0

/// A position as an editor shows it.
package struct TextPlace {
    /// From 1. A line ends at LF, CR LF or CR.
    package let line: Int
    /// In Unicode scalars, from 1.
    package let column: Int

    /// - Parameter offset: in UTF-8 bytes; the text's length is its end.
    package init(of offset: Int, in text: String) {
        let bytes = Array(text.utf8.prefix(offset))
        var start = Self.markLength(bytes)
        var line = 1
        for index in bytes.indices {
            let isBreak =
                bytes[index] == UInt8(ascii: "\n")
                || bytes[index] == UInt8(ascii: "\r")
                    && (index + 1 == bytes.count || bytes[index + 1] != UInt8(ascii: "\n"))
            guard isBreak else { continue }
            line += 1
            start = index + 1
        }
        self.line = line
        column = bytes.dropFirst(start).count { $0 & 0xc0 != 0x80 } + 1
    }

    /// The length of the byte order mark that a text may begin with, which has no column.
    static func markLength(_ bytes: [UInt8]) -> Int {
        bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
    }
}
