// A mistake and its position in a text.
// SPDX-License-Identifier: Apache-2.0
/// What is wrong, and at which byte.
package struct Mistake: Error {
    package let code: TextError.Code
    /// In UTF-8 bytes from the start of the text; its length is the text's end.
    package let offset: Int
    /// What is wrong; what was expected. Without control characters.
    package let sentence: String
    /// Its cause; nil if that is the text itself.
    package let cause: Cause?

    package init(
        _ code: TextError.Code, at offset: Int, _ sentence: String, cause: Cause? = nil
    ) {
        self.code = code
        self.offset = offset
        self.sentence = sentence
        self.cause = cause
    }

    /// The error for the file that contains it.
    ///
    /// - Parameters:
    ///   - text: the whole file.
    ///   - name: the file's name.
    package func error(in text: String, name: String) -> TextError {
        TextError(code, file: name, at: TextPlace(of: offset, in: text), sentence, cause: cause)
    }
}
