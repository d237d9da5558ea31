// A number of a JSON5 text.
// SPDX-License-Identifier: Apache-2.0

/// Reads a number: decimal or hexadecimal with an optional sign, `Infinity` and `NaN`.
enum JSON5Number {
    /// - Parameter word: the whole word, whose first character can begin a number.
    static func read(_ word: ArraySlice<UInt8>) -> JSON5Literal<Double> {
        // Readers end a number before either.
        guard !word.contains(where: { "_$".utf8.contains($0) }) else { return .malformed }
        guard word.count <= lengthLimit, let value = value(of: word) else { return .unreadable }
        return .value(value)
    }

    private static func value(of word: ArraySlice<UInt8>) -> Double? {
        let isNegative = word.first == UInt8(ascii: "-")
        let digits = isNegative || word.first == UInt8(ascii: "+") ? word.dropFirst() : word
        switch String(decoding: digits, as: UTF8.self) {
        case "Infinity": return isNegative ? -.infinity : .infinity
        case "NaN": return .nan
        case let text where text.hasPrefix("0x") || text.hasPrefix("0X"):
            return hexadecimal(digits.dropFirst(2), isNegative: isNegative)
        default:
            guard isDecimal(digits), let value = Double(String(decoding: word, as: UTF8.self)),
                value.isFinite, value != 0 || isZero(digits)
            else { return nil }
            return value
        }
    }

    /// Nil for what takes more than 64 bits, including its sign, or is not exactly representable as
    /// a Double.
    private static func hexadecimal(_ digits: ArraySlice<UInt8>, isNegative: Bool) -> Double? {
        guard digits.allSatisfy(\.isHexDigit),
            let size = UInt64(String(decoding: digits, as: UTF8.self), radix: 16),
            !isNegative || size <= 1 << 63
        else { return nil }
        return Double(exactly: size).map { isNegative ? -$0 : $0 }
    }

    /// `0`, or digits that don't begin with 0; then a point and digits, either of which may be
    /// missing; then an exponent.
    private static func isDecimal(_ digits: ArraySlice<UInt8>) -> Bool {
        var rest = digits
        let whole = takeDigits(&rest)
        guard whole <= 1 || digits.first != UInt8(ascii: "0") else { return false }
        let fraction = take(".", &rest) ? takeDigits(&rest) : 0
        guard whole + fraction > 0 else { return false }
        if take("eE", &rest) {
            take("+-", &rest)
            guard takeDigits(&rest) > 0 else { return false }
        }
        return rest.isEmpty
    }

    /// Whether a number is meant to be zero, and not just too small to differ from it.
    private static func isZero(_ digits: ArraySlice<UInt8>) -> Bool {
        digits.prefix { !"eE".utf8.contains($0) }.allSatisfy { "0.".utf8.contains($0) }
    }

    /// Takes one byte of a set; false if none comes next.
    @discardableResult
    private static func take(_ set: String, _ rest: inout ArraySlice<UInt8>) -> Bool {
        guard let byte = rest.first, set.utf8.contains(byte) else { return false }
        rest.removeFirst()
        return true
    }

    private static func takeDigits(_ rest: inout ArraySlice<UInt8>) -> Int {
        let count = rest.prefix(while: \.isDigit).count
        rest.removeFirst(count)
        return count
    }

    /// No value needs as many digits.
    private static let lengthLimit = 64
}
