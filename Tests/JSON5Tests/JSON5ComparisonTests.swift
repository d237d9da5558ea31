// The table's own reader of JSON5 beside another one.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import JSON5
@testable import TestSupport

@Suite(.timeLimit(.minutes(10)))
struct JSON5ComparisonTests {
    @Test(arguments: JSON5Corpus.taken.map(\.text))
    func text_isRead_asFoundationReadsIt(text: String) throws {
        let value = try #require(JSON5Corpus.taken.first { $0.text == text }).value
        #expect(JSON5Value.read(text) == value)
        #expect(FoundationReader.canRead(text) && FoundationReader.read(text) == value)
    }

    @Test(arguments: JSON5Corpus.refused)
    func text_isRefused_asFoundationRefusesIt(text: String) {
        #expect(JSON5Value.read(text) == nil)
        #expect(FoundationReader.canRead(text) && FoundationReader.read(text) == nil)
    }

    @Test(arguments: JSON5Corpus.refusedHereOnly)
    func text_isRefused_whereReadersOrEditorsDiffer(text: String) {
        #expect(JSON5Value.read(text) == nil)
        #expect(FoundationReader.read(text) != nil)
    }

    @Test(arguments: JSON5Corpus.endsFoundation)
    func text_isRefused_whereItWouldEndFoundation(text: String) {
        #expect(!FoundationReader.canRead(text))
        #expect(JSON5Value.read(text) == nil)
    }

    @Test(arguments: JSON5Corpus.zeros)
    func zero_isRead_withItsSign(text: String) {
        #expect(!FoundationReader.canRead(text))
        #expect(JSON5Value.read(text) == .init(text.hasPrefix("-") ? -0.0 : 0))
    }

    @Test func generatedText_isRead_asFoundationReadsIt() {
        var writer = JSON5Writer(random: SplitMix(state: 0x50fa))
        var read = 0
        for _ in 0..<fuzzRounds / 20 {
            let text = writer.text()
            guard FoundationReader.canRead(text) else { continue }
            let value = JSON5Value.read(text)
            read += value == nil ? 0 : 1
            #expect(value == FoundationReader.read(text), "\(text.debugDescription)")
            let places = (try? JSON5Scanner.read(text).places) ?? []
            #expect(
                zip(places, places.dropFirst()).allSatisfy { $0 < $1 }, "\(text.debugDescription)")
        }
        // Some have a number that no Double can hold.
        #expect(read > fuzzRounds / 20 * 3 / 4)
    }

    @Test func spoiltText_isRefused_asFoundationRefusesIt() {
        var writer = JSON5Writer(random: SplitMix(state: 0xbad5))
        var refused = 0
        for _ in 0..<fuzzRounds / 20 {
            let text = writer.spoiltText()
            guard FoundationReader.canRead(text) else { continue }
            let value = JSON5Value.read(text)
            refused += value == nil ? 1 : 0
            let other = FoundationReader.read(text)
            // What is refused here only is a list of its own.
            if value == nil, other != nil, isRefusedHereOnly(text) { continue }
            #expect(value == other, "\(text.debugDescription)")
        }
        #expect(refused > fuzzRounds / 20 / 4)
    }

    private func isRefusedHereOnly(_ text: String) -> Bool {
        do throws(Mistake) {
            _ = try JSON5Scanner.read(text)
            return false
        } catch {
            return error.code == .duplicateKey || error.sentence.contains("is outside a string")
                || text.contains("\\\n") || text.contains("\\\r\n")
        }
    }
}
