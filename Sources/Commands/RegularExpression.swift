// One compiled POSIX regular expression.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Owns a `regex_t` of glibc. It grows with what it is asked to match, so it should not outlive
/// the question.
@safe final class RegularExpression {
    struct Refusal: Error {
        /// regerror's words.
        let reason: String
    }

    private var compiled = unsafe regex_t()

    /// Compiles an extended expression. The process's locale is C, so it compares bytes.
    ///
    /// - Parameter text: without NUL.
    init(_ text: String) throws(Refusal) {
        let status = unsafe regcomp(&compiled, text, REG_EXTENDED | REG_NOSUB)
        guard status == 0 else {
            var words = [CChar](repeating: 0, count: 256)
            let length = unsafe regerror(status, &compiled, &words, words.count)
            throw Refusal(
                reason: String(
                    decoding: words.prefix(max(1, min(length, words.count)) - 1).map {
                        UInt8(bitPattern: $0)
                    }, as: UTF8.self))
        }
    }

    deinit { unsafe regfree(&compiled) }

    /// - Parameter text: without NUL.
    func matches(_ text: String) -> Bool {
        // Lack of memory is no match: a refusal.
        unsafe regexec(&compiled, text, 0, nil, 0) == 0
    }
}
