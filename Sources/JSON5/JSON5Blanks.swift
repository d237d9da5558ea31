// What comes between the tokens of a JSON5 text.
// SPDX-License-Identifier: Apache-2.0

extension JSON5Cursor {
    /// Skips blanks and comments.
    ///
    /// - Throws: `syntax`, for a comment that is not closed or looks different from how it is
    ///   parsed.
    mutating func skipBlanks() throws(Mistake) {
        while let byte = next {
            if byte == UInt8(ascii: " ") || (9...13).contains(byte) {
                skip()
            } else if byte == UInt8(ascii: "/") {
                try skipComment()
            } else {
                return
            }
        }
    }

    private mutating func skipComment() throws(Mistake) {
        let slash = self
        skip()
        if take("/") {
            skip { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
            try checkLineEnd()
        } else if take("*") {
            try skipToCommentEnd(from: slash.at)
        } else {
            throw slash.unexpected("a comment after the /")
        }
        if let disguise = Disguise.find(in: bytes, slash.at..<at) { throw disguise }
    }

    private mutating func skipToCommentEnd(from start: Int) throws(Mistake) {
        while next != nil {
            if take("*") {
                if take("/") { return }
            } else {
                skip()
            }
        }
        throw Mistake(.syntax, at: start, "a comment is not closed; expected */")
    }

    /// A lone carriage return ends a comment (JSON5, section 7), but only editors that expect such
    /// line endings in the whole file show that.
    private func checkLineEnd() throws(Mistake) {
        guard next == UInt8(ascii: "\r"), hasLineFeeds,
            at + 1 == bytes.count || bytes[at + 1] != UInt8(ascii: "\n")
        else { return }
        throw Mistake(
            .syntax, at: at,
            "a comment ends at a carriage return while other lines end at a line feed; expected the same line ending everywhere, since an editor may show what follows as part of the comment"
        )
    }
}
