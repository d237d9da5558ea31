// What of another process's words reaches the log and the console.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Console
@testable import System
@testable import parleyd

@Suite struct RelayedTextTests {
    @Test func lines_areWholeAndWithoutTheName() {
        var lines = RelayedLines()
        func add(_ text: String) -> [String] {
            lines.add(Array(text.utf8)).map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(add("parleyd: o") == [])
        #expect(add("ne\ntwo\n\nparleyd: ") == ["one", "two"])
        #expect(add("three") == [])
        #expect(add("") == ["three"])
        #expect(add("") == [])
    }

    @Test func aLineWithoutEnd_isCut() {
        var lines = RelayedLines()
        let long = lines.add([UInt8](repeating: 0x61, count: 40_000))
        #expect(long.map(\.count) == [16_384, 16_384])
    }

    @Test func aTerminal_getsNothingThatControlsIt() {
        var console = RelayedConsole(.terminal)
        let text = console.add(Array("a\tb\n\u{1b}[2J\u{202e}".utf8))
        #expect(String(decoding: text, as: UTF8.self) == "a\tb\n\\x1b[2J\\u{202e}")
    }

    @Test func whereRecordsMeetIt_noLineLooksLikeOneOfTheirs() {
        var console = RelayedConsole(.line)
        var bytes: [UInt8] = []
        for piece in ["{\"event\":1}\np", "arleyd: listening\nClient: {p\n", "{"] {
            bytes += console.add(Array(piece.utf8))
        }
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == "| {\"event\":1}\n| parleyd: listening\nClient: {p\n| {")
    }

    @Test func aCharacterThatComesInPieces_isWhole() {
        for form in [ConsoleTranscript.Form.terminal, .line, .whole] {
            var console = RelayedConsole(form)
            var bytes: [UInt8] = []
            for byte in "aä€🦜z".utf8 { bytes += console.add([byte]) }
            bytes += console.add([])
            #expect(String(decoding: bytes, as: UTF8.self) == "aä€🦜z")
        }
    }

    @Test func whereBytesAreTheConversations_theyPassAsTheyAre() {
        var console = RelayedConsole(.whole)
        #expect(console.add([0x1b, 0xff, 0xc3]) == [0x1b, 0xff, 0xc3])
    }
}
