// Takes a line apart into words, as a shell would, but for what a shell would do with them.
// SPDX-License-Identifier: Apache-2.0

/// Words are separated by blanks; `'…'` keeps all, `"…"` all but `\"` and `\\`, and a backslash
/// outside of quotes the next character. Nothing is expanded.
///
/// - Throws: `UsageError` for a quote without its end, or a backslash at the end.
public func words(of line: String) throws(UsageError) -> [String] {
    var words: [String] = []
    var word: String.UnicodeScalarView?
    var quote: Unicode.Scalar?
    // By scalars: a quote with a combining mark behind it is a quote all the same.
    var characters = line.unicodeScalars[...]
    while let character = characters.popFirst() {
        switch (quote, character) {
        case (nil, " "), (nil, "\t"):
            if let finished = word { words.append(String(finished)) }
            word = nil
        case (nil, "'"), (nil, "\""):
            quote = character
            word = word ?? .init()
        case (let open?, _) where open == character: quote = nil
        case (nil, "\\"):
            guard let next = characters.popFirst() else {
                throw UsageError(
                    "the line ends within a backslash's pair; write \\\\ for one backslash")
            }
            append(next, to: &word)
        case ("\"", "\\") where characters.first == "\"" || characters.first == "\\":
            append(characters.removeFirst(), to: &word)
        default: append(character, to: &word)
        }
    }
    if let quote { throw UsageError("the line has a \(quote) without its end") }
    if let word { words.append(String(word)) }
    return words
}

/// In place: a copy for each character would take the square of a line's length.
private func append(_ character: Unicode.Scalar, to word: inout String.UnicodeScalarView?) {
    if word == nil { word = .init() }
    word?.append(character)
}
