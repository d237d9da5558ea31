// Where PEM blocks begin in a file, to find blocks that OpenSSL skips silently.
// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Glibc

/// Every `-----BEGIN` in a text, wherever it is in its line. OpenSSL sees only those at the start
/// of a line, so a CA that was indented or pasted after a word would be left out.
struct PEMBeginnings {
    private(set) var count = 0
    /// The first that OpenSSL does not see, for people.
    private(set) var mistake: String?

    /// - Parameters:
    ///   - bio: a memory BIO at its start.
    ///   - label: how the label ends that is counted, such as `CERTIFICATE`.
    init(_ bio: OpaquePointer, label: String) {
        var start: UnsafeMutablePointer<CChar>?
        let length = unsafe BIO_ctrl(bio, BIO_CTRL_INFO, 0, &start)
        guard length > 0, let start = unsafe start else { return }
        let text = unsafe UnsafeRawBufferPointer(start: start, count: length)
        var place = 0
        while let found = unsafe Self.find(Self.mark, in: text, from: place) {
            let labelStart = found + Self.mark.utf8.count
            place = labelStart
            // Within the line.
            let room = unsafe text[labelStart..<min(labelStart + 64, text.count)]
            guard
                let end = unsafe Self.find(
                    "-----", in: UnsafeRawBufferPointer(rebasing: room), from: 0)
            else { continue }
            let name = unsafe String(decoding: room.prefix(end), as: UTF8.self)
            guard name == label || name.hasSuffix(" " + label),
                name.utf8.allSatisfy({ (0x20..<0x7f).contains($0) })
            else {
                continue
            }
            count += 1
            guard mistake == nil else { continue }
            // Counted only for the sentence: a file may have hundreds of blocks.
            var line: Int { unsafe text[..<found].count { $0 == UInt8(ascii: "\n") } + 1 }
            if unsafe !Self.beginsLine(text, found) {
                mistake =
                    "in line \(line) -----BEGIN \(name)----- is not at the start of the line; move it there"
            } else if name.hasPrefix("TRUSTED") {
                mistake =
                    "line \(line) begins a \(name), which only OpenSSL reads; convert it with: openssl x509"
            }
        }
    }

    private static func beginsLine(_ text: UnsafeRawBufferPointer, _ place: Int) -> Bool {
        // OpenSSL skips a byte order mark when it looks for a block.
        var place = place
        if place >= 3, unsafe text[place - 3..<place].elementsEqual([0xef, 0xbb, 0xbf]) {
            place -= 3
        }
        return unsafe place == 0 || text[place - 1] == UInt8(ascii: "\n")
    }

    private static func find(
        _ word: String, in text: UnsafeRawBufferPointer, from place: Int
    ) -> Int? {
        guard let base = text.baseAddress else { return nil }
        var place = place
        // Base64 has no hyphen, so this goes from block to block.
        while place + word.utf8.count <= text.count,
            let hyphen = unsafe memchr(base + place, Int32(UInt8(ascii: "-")), text.count - place)
        {
            place = unsafe UnsafeRawPointer(hyphen) - base
            if unsafe text[place...].starts(with: word.utf8) { return place }
            place += 1
        }
        return nil
    }

    private static let mark = "-----BEGIN "
}
