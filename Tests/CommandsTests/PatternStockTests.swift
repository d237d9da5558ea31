// What all patterns of a table may take together.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Commands

@Suite(.timeLimit(.minutes(10)))
struct PatternStockTests {
    @Test func patterns_areRefused_whereTheyAreTooMuchTogether() throws {
        var stock = PatternStock()
        var count = 0
        #expect(throws: PatternStock.Full.self) {
            while count < 2_000 {
                _ = try stock.pattern("a{1000}b{1000}c{1000}d{1000}\(count)")
                count += 1
            }
        }
        // Not one that a table would have, and far before the memory of a machine.
        #expect(count > 400)
        // 4,096 places is the most that a pattern has, and 2,000,000 that a table has
        // (docs/design.md, Patterns).
        #expect(count * 4_096 <= 2_000_000 + 4_096 * 20)
    }

    @Test func equalPatterns_countOnce() throws {
        var stock = PatternStock()
        for _ in 0..<10_000 { _ = try stock.pattern("a{1000}b{1000}c{1000}d{1000}") }
        // These look alike and are not equal.
        let composed = try stock.pattern("\u{e9}")
        let decomposed = try stock.pattern("e\u{301}")
        #expect(composed.verdict(on: "\u{e9}") == .matches)
        #expect(decomposed.verdict(on: "\u{e9}") == .differs)
    }

    @Test func table_isRefused_atThePatternThatIsTooMuch() throws {
        let commands = (0..<600).map {
            "c\($0): {run: ['/bin/true', '{x}'], arguments: {x: 'a{1000}b{1000}c{1000}d{999}\($0)'}}"
        }
        let found = refusal(of: "{commands: {\(commands.joined(separator: ",\n"))}}")
        #expect(found?.code == .tooMany)
        #expect(found?.line.map { $0 > 400 } == true)
    }
}
