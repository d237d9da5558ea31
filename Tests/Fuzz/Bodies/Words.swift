// Fuzzes the lines of the interactive client, and what is shown of a peer's bytes.
// SPDX-License-Identifier: Apache-2.0
import Console
import System

@testable import Commands

func fuzzWords(_ bytes: [UInt8]) throws(Finding) {
    let line = String(decoding: bytes, as: UTF8.self)
    guard let words = try? words(of: line) else { return }
    try require(
        words.reduce(0) { $0 + $1.utf8.count } <= line.utf8.count, "words add nothing to a line")
    try require(isSame(words, try read(line + "\t" + line, half: 0)), "blanks part words")
    try require(isSame(words, try read(line + " " + line, half: 1)), "a line ends its words")
    for quote in [inSingle, inDouble, behindBackslashes] {
        let again = words.map(quote).joined(separator: " \t")
        guard let read = try? Console.words(of: again), isSame(read, words) else {
            throw Finding(description: "quoted words come back")
        }
    }
}

/// One half of a line's words.
private func read(_ line: String, half: Int) throws(Finding) -> [String] {
    guard let words = try? words(of: line), words.count % 2 == 0 else {
        throw Finding(description: "a line that stands twice has its words twice")
    }
    return Array(half == 0 ? words[..<(words.count / 2)] : words[(words.count / 2)...])
}

private func inSingle(_ word: String) -> String {
    "'" + word.utf8Text { $0 == UInt8(ascii: "'") ? "'\\''" : nil } + "'"
}

private func inDouble(_ word: String) -> String {
    "\"" + word.utf8Text { "\"\\".utf8.contains($0) ? "\\" + String(UnicodeScalar($0)) : nil }
        + "\""
}

private func behindBackslashes(_ word: String) -> String {
    word.isEmpty
        ? "''"
        : word.utf8Text { " \t'\"\\".utf8.contains($0) ? "\\" + String(UnicodeScalar($0)) : nil }
}

extension String {
    /// The text with some ASCII characters replaced.
    fileprivate func utf8Text(_ replacement: (UInt8) -> String?) -> String {
        String(
            decoding: utf8.flatMap { byte in replacement(byte).map { Array($0.utf8) } ?? [byte] },
            as: UTF8.self)
    }
}

func fuzzPrintable(_ bytes: [UInt8]) throws(Finding) {
    let text = String(decoding: bytes, as: UTF8.self)
    let shown = printable(text)
    try require(isPrintable(shown), "what is printed moves no cursor")
    try require(isSame(printable(shown), shown), "what is printable stays as it is")
    try require(isPrintable(text) == isSame(shown, text), "only what is not printable is replaced")
    let lines = printable(text, keeping: "\t\n")
    try require(
        isPrintable(lines.filteringScalars { $0 != "\t" && $0 != "\n" }),
        "a tab and a line's end are all that is kept")
    for limit in [0, 1, 60, 255] {
        let cut = escaped(text, limit: limit)
        try require(isPrintable(cut), "a sentence about it moves no cursor")
        try require(cut.unicodeScalars.count <= limit * 10 + 1, "a sentence about it is short")
    }
    try require(
        hasControlCharacters(text) ? shown != text : true, "control characters are replaced")
}

extension String {
    fileprivate func filteringScalars(_ isKept: (Unicode.Scalar) -> Bool) -> String {
        String(String.UnicodeScalarView(unicodeScalars.filter(isKept)))
    }
}
