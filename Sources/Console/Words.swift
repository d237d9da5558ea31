// Splits a line into words as a shell would, but without expansions.
// SPDX-License-Identifier: Apache-2.0

/// Words are separated by blanks; `'…'` keeps everything, `"…"` everything but `\"` and `\\`, and a
/// backslash outside of quotes the next character. `$'…'` can express what a line can't contain, as
/// in bash: `\n`, `\t`, `\r`, `\a`, `\b`, `\e`, `\f`, `\v`, `\\`, `\'`, `\"`, `\xHH` and `\uHHHH`.
/// Nothing is expanded.
///
/// - Throws: `UsageError` for an unclosed quote, a backslash at the end, or an unknown escape.
public func words(of line: String) throws(UsageError) -> [String] {
    var words: [String] = []
    var word: String.UnicodeScalarView?
    var quote: Unicode.Scalar?
    // By scalars: a quote followed by a combining mark is still a quote.
    var characters = line.unicodeScalars[...]
    while let character = characters.popFirst() {
        switch (quote, character) {
        case (nil, "$") where characters.first == "'":
            characters.removeFirst()
            word = word ?? .init()
            try appendEscaped(from: &characters, to: &word)
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
                    "the line ends with a single backslash; write \\\\ for a backslash")
            }
            append(next, to: &word)
        case ("\"", "\\") where characters.first == "\"" || characters.first == "\\":
            append(characters.removeFirst(), to: &word)
        default: append(character, to: &word)
        }
    }
    if let quote { throw UsageError("the line has an opening \(quote) without a closing one") }
    if let word { words.append(String(word)) }
    return words
}

/// Takes what follows `$'`, up to the closing quote.
private func appendEscaped(
    from characters: inout Substring.UnicodeScalarView, to word: inout String.UnicodeScalarView?
) throws(UsageError) {
    while let character = characters.popFirst() {
        guard character != "'" else { return }
        guard character == "\\" else {
            append(character, to: &word)
            continue
        }
        guard let letter = characters.popFirst() else { break }
        switch letter {
        case "x": append(try scalar(from: &characters, digits: 2, "\\x"), to: &word)
        case "u": append(try scalar(from: &characters, digits: 4, "\\u"), to: &word)
        case _ where escapes[letter] != nil: append(escapes[letter]!, to: &word)
        default:
            throw UsageError(
                "\\\(letter) is not an escape of $'…'; use \\n, \\t, \\r, \\a, \\b, \\e, \\f, \\v, \\\\, \\', \\\", \\xHH and \\uHHHH"
            )
        }
    }
    throw UsageError("the line has a $' without a closing '")
}

private let escapes: [Unicode.Scalar: Unicode.Scalar] = [
    "n": "\n", "t": "\t", "r": "\r", "a": "\u{7}", "b": "\u{8}", "e": "\u{1b}", "f": "\u{c}",
    "v": "\u{b}", "\\": "\\", "'": "'", "\"": "\"",
]

/// - Throws: for a number that is not a character of UTF-8 text, and for NUL, which no argument can
///   contain.
private func scalar(
    from characters: inout Substring.UnicodeScalarView, digits: Int, _ escape: String
) throws(UsageError) -> Unicode.Scalar {
    let text = String(characters.prefix(digits))
    guard text.unicodeScalars.count == digits, text.allSatisfy(\.isHexDigit),
        let value = UInt32(text, radix: 16), value > 0, digits > 2 || value < 0x80,
        let scalar = Unicode.Scalar(value)
    else {
        throw UsageError(
            digits == 2
                ? "\(escape) needs two hexadecimal digits from 01 to 7f; write other characters literally or with \\uHHHH"
                : "\(escape) needs the four hexadecimal digits of a character's code point")
    }
    characters.removeFirst(digits)
    return scalar
}

/// In place: a copy for each character would take quadratic time.
private func append(_ character: Unicode.Scalar, to word: inout String.UnicodeScalarView?) {
    if word == nil { word = .init() }
    word?.append(character)
}
