// A string in the table that is passed to the kernel.
// SPDX-License-Identifier: Apache-2.0
internal import JSON5

extension JSON5Node {
    /// A string that can be a path, an argument or a variable of a program.
    ///
    /// - Parameters:
    ///   - what: the value's name in a sentence.
    ///   - expected: what it should be.
    /// - Throws: `wrongType`, `syntax`, `invalidValue`.
    func kernelString(_ what: String, _ expected: String) throws(Mistake) -> String {
        let text = try string(what, expected)
        guard !text.utf8.contains(0) else {
            throw Mistake(
                .invalidValue, at: offset,
                "\(what) contains a NUL byte; expected \(expected) without one")
        }
        guard text.utf8.count <= longestString else {
            throw Mistake(
                .invalidValue, at: offset,
                "\(what) is too long; expected at most \(longestString) bytes")
        }
        return text
    }
}

/// The kernel's MAX_ARG_STRLEN, less the NUL at its end.
private let longestString = 131_071
