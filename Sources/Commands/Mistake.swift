// A mistake and its position in a table's text.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// What is wrong, and at which byte.
struct Mistake: Error {
    let code: TableError.Code
    /// In UTF-8 bytes from the start of the text; its length is the text's end.
    let offset: Int
    /// What is wrong; what was expected. Without control characters.
    let sentence: String
    /// Its cause; nil if that is the text itself.
    let cause: Cause?

    init(_ code: TableError.Code, at offset: Int, _ sentence: String, cause: Cause? = nil) {
        self.code = code
        self.offset = offset
        self.sentence = sentence
        self.cause = cause
    }

    /// The error for the table that contains it.
    ///
    /// - Parameters:
    ///   - text: the whole table.
    ///   - name: the file's name.
    func error(in text: String, name: String) -> TableError {
        TableError(code, file: name, at: TextPlace(of: offset, in: text), sentence, cause: cause)
    }
}
