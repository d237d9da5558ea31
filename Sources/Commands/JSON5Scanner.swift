// Finds where in a JSON5 text each key and value stands.
// SPDX-License-Identifier: Apache-2.0

/// Walks a text once. FoundationEssentials reads JSON5, but tells no places, not even that of a
/// syntax error, and takes one of two equal keys silently: so the shape of the text is walked
/// here, and the literals in it are left to the library.
struct JSON5Scanner {
    private let bytes: [UInt8]
    private let hasLineFeeds: Bool
    private var at = 0

    /// - Throws: `syntax`, `tooDeep`, `duplicateKey`.
    static func read(_ text: String) throws(Mistake) -> JSON5Node {
        var scanner = JSON5Scanner(bytes: Array(text.utf8))
        let node = try scanner.document()
        guard JSON5Node.isJSON5(scanner.bytes) else {
            throw Mistake(
                .syntax, at: node.firstUnreadable ?? 0,
                "a name, string or number cannot be read; expected one that is JSON5")
        }
        return node
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
        hasLineFeeds = bytes.contains(UInt8(ascii: "\n"))
    }

    private mutating func document() throws(Mistake) -> JSON5Node {
        // The library would take a text with zeros for UTF-16 or UTF-32.
        if let zero = bytes.firstIndex(of: 0) {
            throw Mistake(.syntax, at: zero, "the text contains a NUL byte; expected JSON5")
        }
        at = TextPlace.markLength(bytes)
        try skipBlanks()
        let node = try value(depth: 1)
        try skipBlanks()
        guard at == bytes.count else { throw unexpected("the end of the file") }
        return node
    }

    private mutating func value(depth: Int) throws(Mistake) -> JSON5Node {
        let start = at
        let isContainer = next == UInt8(ascii: "{") || next == UInt8(ascii: "[")
        // Each level is a call: without a limit a file could end the process.
        guard depth <= Self.depthLimit || !isContainer else {
            throw Mistake(
                .tooDeep, at: at,
                "objects and arrays are nested too deeply; expected at most \(Self.depthLimit) levels"
            )
        }
        let content: JSON5Node.Content
        switch next {
        case UInt8(ascii: "{"): content = .object(try members(depth: depth))
        case UInt8(ascii: "["): content = .array(try elements(depth: depth))
        case UInt8(ascii: "\""), UInt8(ascii: "'"): content = .string(try string())
        default: content = try word()
        }
        return JSON5Node(offset: start, content: content)
    }

    private mutating func members(depth: Int) throws(Mistake) -> [JSON5Node.Member] {
        var members: [JSON5Node.Member] = []
        // As Swift compares: names that only look different to a machine are equal.
        var keys: Set<String> = []
        at += 1
        while true {
            try skipBlanks()
            if take("}") { return members }
            let start = at
            let key = try self.key()
            guard keys.insert(key).inserted else {
                throw Mistake(
                    .duplicateKey, at: start,
                    "the key \(quoted(key)) stands twice in one object; expected each key once")
            }
            try skipBlanks()
            guard take(":") else { throw unexpected("a colon behind the key \(quoted(key))") }
            try skipBlanks()
            members.append(.init(key: key, offset: start, value: try value(depth: depth + 1)))
            try skipBlanks()
            guard take(",") || next == UInt8(ascii: "}") else {
                throw unexpected("a comma, or } as the object's end")
            }
        }
    }

    private mutating func elements(depth: Int) throws(Mistake) -> [JSON5Node] {
        var elements: [JSON5Node] = []
        at += 1
        while true {
            try skipBlanks()
            if take("]") { return elements }
            elements.append(try value(depth: depth + 1))
            try skipBlanks()
            guard take(",") || next == UInt8(ascii: "]") else {
                throw unexpected("a comma, or ] as the array's end")
            }
        }
    }

    private mutating func key() throws(Mistake) -> String {
        let start = at
        if next == UInt8(ascii: "\"") || next == UInt8(ascii: "'") {
            let literal = try string()
            guard let key = JSON5Node.decode(String.self, literal) else {
                throw Mistake(
                    .syntax, at: start, "a key has an escape that cannot be read; expected \\uHHHH")
            }
            return key
        }
        // The library does not read escapes outside of quotes.
        while let byte = next, Self.isWordByte(byte) || byte >= 0x80 { at += 1 }
        guard at > start, !Self.isDigit(bytes[start]), !Self.signs.contains(bytes[start]) else {
            at = start
            throw unexpected("a key, in quotes or a plain word, or } as the object's end")
        }
        if let disguise = Disguise.find(in: bytes, start..<at) { throw disguise }
        return String(decoding: bytes[start..<at], as: UTF8.self)
    }

    /// A string with its quotes. That it is on one line is the library's need, which would take a
    /// continued line's end into the text.
    private mutating func string() throws(Mistake) -> ArraySlice<UInt8> {
        let start = at
        at += 1
        while let byte = next {
            if byte < 0x20 && byte != UInt8(ascii: "\t") {
                throw Mistake(
                    .syntax, at: at,
                    "a string contains a line break or a control character; expected its closing quote on the same line"
                )
            }
            at += 1
            if byte == bytes[start] {
                if let disguise = Disguise.findUnpaired(in: bytes[start..<at]) { throw disguise }
                return bytes[start..<at]
            }
            if byte == UInt8(ascii: "\\"), let escape = next, escape >= 0x20 { at += 1 }
        }
        throw Mistake(.syntax, at: start, "a string has no end; expected its closing quote")
    }

    private mutating func word() throws(Mistake) -> JSON5Node.Content {
        let start = at
        while let byte = next, Self.isWordByte(byte) { at += 1 }
        let word = bytes[start..<at]
        switch String(decoding: word, as: UTF8.self) {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "null": return .null
        case "Infinity", "NaN": return .number(word)
        default:
            if let first = word.first, Self.isDigit(first) || Self.signs.contains(first) {
                return .number(word)
            }
            at = start
            throw unexpected("a value")
        }
    }

    private mutating func skipBlanks() throws(Mistake) {
        while let byte = next {
            if byte == UInt8(ascii: " ") || (9...13).contains(byte) {
                at += 1
            } else if byte == UInt8(ascii: "/") {
                try skipComment()
            } else {
                return
            }
        }
    }

    private mutating func skipComment() throws(Mistake) {
        let start = at
        at += 1
        if take("/") {
            while let byte = next, byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") {
                at += 1
            }
            try checkLineEnd()
        } else if take("*") {
            try skipToCommentEnd(from: start)
        } else {
            at = start
            throw unexpected("a comment behind the /")
        }
        if let disguise = Disguise.find(in: bytes, start..<at) { throw disguise }
    }

    private mutating func skipToCommentEnd(from start: Int) throws(Mistake) {
        while at < bytes.count {
            if take("*") {
                if take("/") { return }
            } else {
                at += 1
            }
        }
        throw Mistake(.syntax, at: start, "a comment has no end; expected */")
    }

    /// A carriage return alone ends a comment (JSON5, section 7), which only an editor shows that
    /// takes the whole file to be of that kind.
    private func checkLineEnd() throws(Mistake) {
        guard next == UInt8(ascii: "\r"), hasLineFeeds,
            at + 1 == bytes.count || bytes[at + 1] != UInt8(ascii: "\n")
        else { return }
        throw Mistake(
            .syntax, at: at,
            "a comment ends at a carriage return, and other lines of the file end at a line feed; expected the same end for each line, as an editor may show what follows as a part of the comment"
        )
    }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        at += 1
        return true
    }

    private func unexpected(_ expected: String) -> Mistake {
        // Enough for any one character.
        let rest = String(decoding: bytes[at...].prefix(4), as: UTF8.self).unicodeScalars
        let found = rest.first.map { quoted(String($0)) } ?? "the end of the file"
        return Mistake(.syntax, at: at, "found \(found); expected \(expected)")
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "$") || signs.contains(byte)
    }

    private static let signs: [UInt8] = Array("+-.".utf8)
    /// A table needs six.
    private static let depthLimit = 32
}
