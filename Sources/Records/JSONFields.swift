// The fields of a line that was built here.
// SPDX-License-Identifier: Apache-2.0

extension JSONLine {
    /// A field, read back.
    struct ReadField {
        let name: String
        /// A text is unescaped; anything else is as it stands in the line.
        let text: String
    }

    /// What was added, in order. Only for lines that this type has written.
    var fields: [ReadField] {
        var fields: [ReadField] = []
        var rest = bytes.dropFirst()
        while rest.first == quote {
            let name = Self.takeText(&rest)
            rest = rest.dropFirst()
            let value = rest.first == quote ? Self.takeText(&rest) : Self.takeOther(&rest)
            fields.append(ReadField(name: name, text: value))
            rest = rest.dropFirst()
        }
        return fields
    }

    /// Text in quotes, unescaped.
    private static func takeText(_ rest: inout ArraySlice<UInt8>) -> String {
        let text = takeQuoted(&rest).dropFirst().dropLast()
        guard text.contains(backslash) else { return String(decoding: text, as: UTF8.self) }
        var units: [UInt16] = []
        units.reserveCapacity(text.count)
        var index = text.startIndex
        while index < text.endIndex {
            guard text[index] == backslash, index + 1 < text.endIndex else {
                units.append(UInt16(text[index]))
                index += 1
                continue
            }
            if text[index + 1] == UInt8(ascii: "u") {
                let digits = String(decoding: text[index...].dropFirst(2).prefix(4), as: UTF8.self)
                units.append(UInt16(digits, radix: 16) ?? 0xFFFD)
                index = min(index + 6, text.endIndex)
            } else {
                units.append(UInt16(text[index + 1]))
                index += 2
            }
        }
        return String(decoding: units, as: UTF16.self)
    }

    /// With its quotes.
    private static func takeQuoted(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var end = rest.startIndex + 1
        while end < rest.endIndex, rest[end] != quote { end += rest[end] == backslash ? 2 : 1 }
        end = min(end + 1, rest.endIndex)
        defer { rest = rest[end...] }
        return rest[..<end]
    }

    /// A number, or an array with everything in it.
    private static func takeOther(_ rest: inout ArraySlice<UInt8>) -> String {
        let start = rest
        var depth = 0
        scan: while let byte = rest.first {
            switch byte {
            case quote:
                _ = takeQuoted(&rest)
                continue
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            case UInt8(ascii: ",") where depth == 0: break scan
            default: break
            }
            rest = rest.dropFirst()
        }
        return String(decoding: start[..<rest.startIndex], as: UTF8.self)
    }
}

private let quote = UInt8(ascii: "\"")
private let backslash = UInt8(ascii: "\\")
