// What makes a text look different from how it is parsed.
// SPDX-License-Identifier: Apache-2.0

/// Finds characters that make a reader or reviewer of a file mistake a comment for active content,
/// or the other way round.
enum Disguise {
    /// The first character outside of strings that must not be there: what ends a line only for
    /// JSON5 or only for an editor, changes the writing direction, or moves a terminal's cursor.
    ///
    /// - Parameter range: of a comment, or of a name without quotes.
    static func find(in bytes: [UInt8], _ range: Range<Int>) -> Mistake? {
        var at = range.lowerBound
        for scalar in String(decoding: bytes[range], as: UTF8.self).unicodeScalars {
            if let what = name(of: scalar) {
                return Mistake(
                    .syntax, at: at,
                    "\(quoted(String(scalar))) is outside a string, where \(what); expected text that reads the way it looks, so remove it"
                )
            }
            at += UTF8.width(scalar)
        }
        return nil
    }

    /// Where a string changes the writing direction without restoring it, so that what follows the
    /// string is displayed elsewhere.
    static func findUnpaired(in literal: ArraySlice<UInt8>) -> Mistake? {
        var at = literal.startIndex
        // Where each open direction began, and what ends it.
        var open: [(at: Int, end: UInt32)] = []
        for scalar in String(decoding: literal, as: UTF8.self).unicodeScalars {
            switch scalar.value {
            case 0x202a, 0x202b, 0x202d, 0x202e: open.append((at, 0x202c))
            case 0x2066...0x2068: open.append((at, 0x2069))
            case 0x202c: if open.last?.end == 0x202c { open.removeLast() }
            case 0x2069:
                // It also closes what was opened within it (UAX #9, X6a).
                if let last = open.lastIndex(where: { $0.end == 0x2069 }) {
                    open.removeSubrange(last...)
                }
            default: break
            }
            at += UTF8.width(scalar)
        }
        return open.first.map {
            Mistake(
                .syntax, at: $0.at,
                "a string changes the writing direction and does not restore it; expected \\u202c or \\u2069 before its end"
            )
        }
    }

    private static func name(of scalar: Unicode.Scalar) -> String? {
        switch scalar.value {
        // Blanks, and what the scanner has already checked.
        case 0x09, 0x0a, 0x0d: nil
        case 0x85, 0x2028, 0x2029: "some readers see the end of a line and others do not"
        case 0x061c, 0x200e, 0x200f, 0x202a...0x202e, 0x2066...0x2069:
            "it can change the order in which the rest is shown"
        default:
            scalar.properties.generalCategory == .control
                ? "it can hide the text next to it" : nil
        }
    }
}
