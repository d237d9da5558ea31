// Takes a line apart into words, as a shell would, but for what a shell would do with them.
// SPDX-License-Identifier: Apache-2.0

/// Words are separated by blanks; `'…'` keeps all, `"…"` all but `\"` and `\\`, and a backslash
/// outside of quotes the next character. Nothing is expanded.
///
/// - Throws: `UsageError` for a quote without its end, or a backslash at the end.
public func words(of line: String) throws(UsageError) -> [String] {
    var words: [String] = []
    var word: String?
    var quote: Character?
    var characters = line[...]
    while let character = characters.popFirst() {
        switch (quote, character) {
        case (nil, " "), (nil, "\t"):
            if let finished = word { words.append(finished) }
            word = nil
        case (nil, "'"), (nil, "\""):
            quote = character
            word = word ?? ""
        case (let open?, _) where open == character: quote = nil
        case (nil, "\\"):
            guard let next = characters.popFirst() else {
                throw UsageError(
                    "the line ends within a backslash's pair; write \\\\ for one backslash")
            }
            word = (word ?? "") + String(next)
        case ("\"", "\\") where characters.first == "\"" || characters.first == "\\":
            word = (word ?? "") + String(characters.removeFirst())
        default: word = (word ?? "") + String(character)
        }
    }
    if let quote { throw UsageError("the line has a \(quote) without its end") }
    if let word { words.append(word) }
    return words
}
