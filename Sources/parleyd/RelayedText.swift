// What the network process writes, in the form in which it may reach the log and the console.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import System

/// Complete lines that another process writes, as the log shows them.
struct RelayedLines {
    private var partial: [UInt8] = []

    /// - Parameter bytes: what came; empty at the end, which completes a line.
    /// - Returns: lines without their end and without the program's name.
    mutating func add(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            // Not byte by byte: every session logs a line.
            let line = rest.prefix(Self.longest - partial.count)
            let stop = line.firstIndex(of: UInt8(ascii: "\n"))
            partial += line[..<(stop ?? line.endIndex)]
            rest = rest[(stop.map { $0 + 1 } ?? line.endIndex)...]
            if stop != nil || (partial.count == Self.longest && !rest.isEmpty) { end(&lines) }
        }
        if bytes.isEmpty { end(&lines) }
        return lines
    }

    private mutating func end(_ lines: inout [ArraySlice<UInt8>]) {
        guard !partial.isEmpty else { return }
        lines.append(partial.starts(with: Self.name) ? partial[Self.name.count...] : partial[...])
        partial = []
    }

    private static let name = Array("parleyd: ".utf8)
    private static let longest = 16_384
}

/// What another process writes to the console, as far as the console's form lets it through: what that process says of
/// its peers went through the same form there, unless an attacker controls it.
struct RelayedConsole {
    private let form: ConsoleTranscript.Form
    /// A character of which only part has come.
    private var partial: [UInt8] = []
    private var isAtLineStart = true

    init(_ form: ConsoleTranscript.Form) { self.form = form }

    /// - Parameter bytes: what came; empty at the end.
    mutating func add(_ bytes: [UInt8]) -> [UInt8] {
        guard form != .whole else { return bytes }
        var text = partial + bytes
        partial = []
        // A character's first byte has its two highest bits set, and up to three more bytes follow.
        if !bytes.isEmpty, let start = text.suffix(3).lastIndex(where: { $0 >= 0xc0 }) {
            let first = text[start]
            let length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
            if text.count - start < length {
                partial = Array(text[start...])
                text.removeLast(text.count - start)
            }
        }
        let shown = Array(printable(String(repairing: text.span), keeping: "\t\n").utf8)
        return form == .line ? marked(shown) : shown
    }

    /// Marks lines that begin like a record or a line of the log, as no line of a conversation does in this form.
    private mutating func marked(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        for byte in text {
            if isAtLineStart, byte == UInt8(ascii: "{") || byte == UInt8(ascii: "p") {
                result += Array("| ".utf8)
            }
            result.append(byte)
            isAtLineStart = byte == UInt8(ascii: "\n")
        }
        return result
    }
}
