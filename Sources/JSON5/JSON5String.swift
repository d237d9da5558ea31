// A string of a JSON5 text.
// SPDX-License-Identifier: Apache-2.0

/// Reads a string in either kind of quotes. It must end on the line on which it begins: readers
/// disagree about what an escaped line end adds.
enum JSON5String {
    /// Takes a string with its quotes.
    ///
    /// - Parameter cursor: at its first quote.
    /// - Throws: `syntax`, if it is not closed or changes the writing direction of what follows.
    static func read(_ cursor: inout JSON5Cursor) throws(Mistake) -> JSON5Literal<String> {
        let start = cursor.at
        let quote = cursor.bytes[start]
        var text: [UInt8] = []
        var (isReadable, isCut) = (true, false)
        cursor.skip()
        while let byte = cursor.next {
            switch byte {
            case quote:
                cursor.skip()
                let literal = cursor.bytes[start..<cursor.at]
                if let disguise = Disguise.findUnpaired(in: literal) { throw disguise }
                if isCut { return .malformed }
                return isReadable ? .value(String(decoding: text, as: UTF8.self)) : .unreadable
            case UInt8(ascii: "\\"):
                let rest = cursor.bytes[cursor.at...]
                if let escape = JSON5Escape(rest) {
                    text += UTF8.encode(escape.scalar)!
                    cursor.skip(escape.length)
                } else {
                    isReadable = false
                    isCut = isCut || JSON5Escape.isCut(rest, by: quote)
                    // What comes next is not a quote, which would be an escape, and must not be the line's
                    // end.
                    cursor.skip()
                }
            case UInt8(ascii: "\t"):
                // JSON5 allows it and some readers do not.
                isReadable = false
                cursor.skip()
            case 0..<0x20:
                throw Mistake(
                    .syntax, at: cursor.at,
                    "a string contains a line break or a control character; expected its closing quote on the same line"
                )
            default:
                text.append(byte)
                cursor.skip()
            }
        }
        throw Mistake(.syntax, at: start, "a string is not closed; expected its closing quote")
    }
}
