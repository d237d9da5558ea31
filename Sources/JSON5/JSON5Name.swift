// An unquoted key in a JSON5 text.
// SPDX-License-Identifier: Apache-2.0

/// A word in the place of an unquoted name. Escapes are accepted only in quotes.
struct JSON5Name {
    let text: String

    /// Takes a name.
    ///
    /// - Throws: `syntax`, if none comes next, or it looks different from how it is parsed.
    init(_ cursor: inout JSON5Cursor) throws(Mistake) {
        let start = cursor
        cursor.skip { $0.isWord || $0 >= 0x80 }
        guard cursor.at > start.at, start.next?.beginsNumber == false else {
            throw start.unexpected("a key, in quotes or as a plain word, or } to end the object")
        }
        let range = start.at..<cursor.at
        if let disguise = Disguise.find(in: cursor.bytes, range) { throw disguise }
        text = String(decoding: cursor.bytes[range], as: UTF8.self)
    }

    /// Whether it needs no quotes: an IdentifierName of ECMAScript 5.1 (section 7.6).
    var isPlain: Bool {
        let scalars = text.unicodeScalars
        return scalars.first.map(Self.canBegin) ?? false && scalars.allSatisfy(Self.canFollow)
    }

    private static func canBegin(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
            .letterNumber:
            true
        default: scalar == "_" || scalar == "$"
        }
    }

    private static func canFollow(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .decimalNumber, .connectorPunctuation: true
        // The joiners that some languages use within words.
        default: canBegin(scalar) || scalar == "\u{200c}" || scalar == "\u{200d}"
        }
    }
}
