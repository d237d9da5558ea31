// Paths in the commands of sentences.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import System

@Suite(.timeLimit(.minutes(1)))
struct NamesTests {
    @Test(arguments: [
        "/etc/parley/server.key", "a b", "it's", "'", "''", "$(exit 3)", "`x`", "~", "ä", "a\nb",
        "*",
        "a;b", "a\\b", "\"", "=", "#", "!", "",
    ])
    func shellWord_isOneWord_andThePath(_ path: String) throws {
        #expect(try expanded(shellWord(path)) == path)
    }

    @Test func shellWord_isNoOption() throws {
        #expect(shellWord("-f") == "./-f")
        #expect(try expanded(shellWord("-f x")) == "./-f x")
    }

    /// What a shell makes of it, in brackets if it is one word.
    private func expanded(_ word: String) throws -> String {
        let file = unsafe try #require(popen("printf '[%s]' \(word)", "r"))
        var bytes: [UInt8] = []
        while case let byte = unsafe getc(file), byte >= 0 { bytes.append(UInt8(byte)) }
        #expect(unsafe pclose(file) == 0)
        let text = String(decoding: bytes, as: UTF8.self)
        try #require(text.hasPrefix("[") && text.hasSuffix("]"))
        return String(text.dropFirst().dropLast())
    }
}
