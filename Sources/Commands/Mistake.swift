// A mistake at its place in a table's text.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// What is wrong, and at which byte.
struct Mistake: Error {
    let code: TableError.Code
    /// In UTF-8 bytes from the start of the text; its length is the text's end.
    let offset: Int
    /// What is wrong; what was expected. Without control characters.
    let sentence: String

    init(_ code: TableError.Code, at offset: Int, _ sentence: String) {
        self.code = code
        self.offset = offset
        self.sentence = sentence
    }

    /// Line and column from 1, columns in Unicode scalars. A line ends at LF, CR LF or CR.
    func place(in text: String) -> (line: Int, column: Int) {
        let bytes = Array(text.utf8.prefix(offset))
        var start = JSON5Scanner.markLength(bytes)
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
        let column = bytes.dropFirst(start).count { $0 & 0xc0 != 0x80 }
        return (line, column + 1)
    }
}

func quoted(_ text: String) -> String { "'\(escaped(text, limit: 60))'" }
