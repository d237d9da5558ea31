// Text from peers, files and users, made safe to print.
// SPDX-License-Identifier: Apache-2.0

/// Replaces control characters, which could move a terminal's cursor or forge a line, with `\x1b`
/// and the like, and those above `\xff` with `\u{202e}` and the like.
package func printable(_ text: String, keeping kept: String = "") -> String {
    // Most text is plain ASCII, and since every session logs a line, checking first is worthwhile.
    var text = text
    if text.withUTF8({ unsafe isPrintableASCII($0.span) }) { return text }
    var result = ""
    for scalar in text.unicodeScalars {
        if !scalar.deceives || kept.unicodeScalars.contains(scalar) {
            result.unicodeScalars.append(scalar)
        } else if scalar.value < 0x100 {
            result += "\\x" + String(scalar.value, digits: 2, radix: 16)
        } else {
            result += scalar.escape
        }
    }
    return result
}

/// Whether none of it moves a cursor, ends a line, or needs to be looked at as Unicode.
package func isPrintableASCII(_ text: Span<UInt8>) -> Bool {
    // Without a way out, so that many bytes are looked at at once.
    var others = 0
    for index in text.indices where text[index] &- 0x20 > 0x7e - 0x20 { others &+= 1 }
    return others == 0
}

/// Text from a file, for a sentence: cut short, and with `\u{1b}` and the like in place of whatever
/// could forge a line or change the direction of writing.
///
/// - Parameter limit: in Unicode scalars of the text.
package func escaped(_ text: String, limit: Int = 255) -> String {
    let scalars = text.unicodeScalars
    let beginning = scalars.prefix(limit).map { $0.deceives ? $0.escape : String($0) }.joined()
    return scalars.dropFirst(limit).isEmpty ? beginning : beginning + "…"
}

/// A name that a client sent, for a sentence: in quotes, cut short, and with `?` in place of whatever
/// could forge a line or change the direction of writing.
package func shown(_ name: String) -> String {
    let scalars = name.unicodeScalars
    let text = scalars.prefix(60).map { $0.deceives ? "?" : String($0) }.joined()
    return "'\(text)\(scalars.count > 60 ? "…" : "")'"
}

/// A text in full, or its beginning and an ellipsis: a certificate's name may have any length.
///
/// - Parameter limit: in bytes of UTF-8.
package func bounded(_ text: String, to limit: Int = 200) -> String {
    guard text.utf8.count > limit else { return text }
    return text.start(limit) + "…"
}

/// Whether a text has a character that moves a cursor or ends a line.
package func hasControlCharacters(_ text: String, except kept: Unicode.Scalar? = nil) -> Bool {
    text.unicodeScalars.contains { $0.isControl && $0 != kept }
}

extension String {
    /// The beginning, cut between two Unicode scalars: half of one is not UTF-8.
    ///
    /// - Parameter limit: the maximum length in bytes of UTF-8.
    package func start(_ limit: Int) -> Substring {
        guard utf8.count > limit else { return self[...] }
        var end = utf8.index(utf8.startIndex, offsetBy: limit)
        while end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return self[..<end]
    }

    /// A number with leading zeros.
    ///
    /// - Parameter digits: the minimum number of digits.
    package init(_ value: some BinaryInteger, digits: Int, radix: Int = 10) {
        let text = String(value, radix: radix)
        self = String(repeating: "0", count: Swift.max(0, digits - text.utf8.count)) + text
    }
}

extension Unicode.Scalar {
    /// Whether it moves a cursor or ends a line.
    fileprivate var isControl: Bool {
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    /// Whether it has an effect that a reader doesn't see: as `isControl`, or it changes the
    /// direction of writing or has no width.
    fileprivate var deceives: Bool { isControl || properties.generalCategory == .format }

    /// As in Swift's literals.
    fileprivate var escape: String { "\\u{\(String(value, radix: 16))}" }
}
