// The tests' own parley/1 is that of docs/protocol.md.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import TestSupport

@Suite struct ProtocolPageTests {
    @Test func types_areThoseOfThePage() throws {
        let rows = try table(under: "| type |")
        #expect(rows.count == Parley1.kinds.count)
        for (row, kind) in zip(rows, Parley1.kinds) {
            #expect(row[0] == String(kind.number))
            let senders: Set<Parley1.Sender>? =
                ["client": [.client], "server": [.server], "both": [.client, .server]][row[1]]
            #expect(senders == kind.senders, "\(row)")
            #expect(row[2] == kind.name)
            #expect(try lengths(row) == kind.lengths, "\(row)")
        }
    }

    @Test func aFramesParts_areThoseOfThePage() throws {
        let rows = try table(under: "| bytes |")
        #expect(rows.map { $0[0] } == ["1", "3", "length"])
        #expect(rows[1][1].contains("big-endian, at most 16,380 "))
        #expect(Parley1.header(3, 0x01_02_03) == [3, 1, 2, 3])
        #expect(Parley1.frame(.output, Array("x".utf8)) == [17, 0, 0, 1, 0x78])
        #expect(Parley1.run("Hi", "") == [1, 0, 0, 6, 0, 2, 0x48, 0x69, 0, 0])
    }

    /// The lengths that a row of the types has in words.
    private func lengths(_ row: [String]) throws -> ClosedRange<Int> {
        let text = row[3]
        if text == "empty" { return 0...0 }
        if text.contains("1 or more") && !text.hasPrefix("4") { return 1...16_380 }
        if let first = text.firstMatch(of: /^(\d) bytes/), let count = Int(first.1) {
            return count...count
        }
        if let most = text.firstMatch(of: /^1 byte: .*at most ([\d,]+) bytes/) {
            return 1...(1 + (try #require(Int(most.1.filter { $0 != "," }))))
        }
        // Which words a run must hold is said apart from its table.
        try #require(row[2] == "run")
        return 0...16_380
    }

    /// The cells of the page's table with this beginning, row by row.
    private func table(under head: String) throws -> [[String]] {
        let page = try contents(of: repository("docs/protocol.md"))
        let lines = page.split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex { $0.hasPrefix(head) })
        return lines[(start + 2)...].prefix { $0.hasPrefix("|") }.map { line in
            line.dropFirst().dropLast().split(separator: "|").map { cell in
                String(cell.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            }
        }
    }
}
