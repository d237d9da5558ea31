// An escape in a string of a JSON5 text.
// SPDX-License-Identifier: Apache-2.0

/// One of the escapes that every reader of JSON5 treats alike. Not accepted: `\0` and any other
/// NUL, which would end a text for the kernel, `\v`, an escaped line end, and a backslash before
/// any other character, which JSON5 drops although its author meant something by it.
struct JSON5Escape {
    let scalar: Unicode.Scalar
    /// In bytes, with the backslash.
    let length: Int

    /// Nil if it is not one of those, or is half of a surrogate pair.
    ///
    /// - Parameter rest: of the text, from the backslash on.
    init?(_ rest: ArraySlice<UInt8>) {
        let digits = rest.dropFirst(2)
        switch rest.dropFirst().first {
        case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"), UInt8(ascii: "/"):
            self.init(Unicode.Scalar(rest[rest.startIndex + 1]), length: 2)
        case UInt8(ascii: "b"): self.init("\u{8}", length: 2)
        case UInt8(ascii: "f"): self.init("\u{c}", length: 2)
        case UInt8(ascii: "n"): self.init("\n", length: 2)
        case UInt8(ascii: "r"): self.init("\r", length: 2)
        case UInt8(ascii: "t"): self.init("\t", length: 2)
        case UInt8(ascii: "x"):
            guard let value = Self.number(digits.prefix(2), count: 2), value > 0 else { return nil }
            self.init(Unicode.Scalar(UInt8(truncatingIfNeeded: value)), length: 4)
        case UInt8(ascii: "u"):
            guard let unit = Self.number(digits, count: 4), unit > 0 else { return nil }
            if let scalar = Unicode.Scalar(unit) {
                self.init(scalar, length: 6)
                return
            }
            let second = digits.dropFirst(4)
            guard second.starts(with: "\\u".utf8),
                let trail = Self.number(second.dropFirst(2), count: 4),
                UTF16.isLeadSurrogate(unit), UTF16.isTrailSurrogate(trail)
            else { return nil }
            self.init(UTF16.decode(UTF16.EncodedScalar([unit, trail])), length: 12)
        default: return nil
        }
    }

    private init(_ scalar: Unicode.Scalar, length: Int) {
        self.scalar = scalar
        self.length = length
    }

    /// Whether there is a quote where the digits of an escape belong.
    static func isCut(_ rest: ArraySlice<UInt8>, by quote: UInt8) -> Bool {
        let count =
            switch rest.dropFirst().first {
            case UInt8(ascii: "x"): 2
            case UInt8(ascii: "u"): 4
            default: 0
            }
        return rest.dropFirst(2).prefix(count).contains(quote)
    }

    private static func number(_ rest: ArraySlice<UInt8>, count: Int) -> UInt16? {
        let digits = rest.prefix(count)
        guard digits.count == count, digits.allSatisfy(\.isHexDigit) else { return nil }
        return UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
    }
}
