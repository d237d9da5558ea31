// Generated tables: whatever a file contains, it is read or rejected.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Commands
@testable import TestSupport

@Suite(.timeLimit(.minutes(10)))
struct HostileTableTests {
    @Test func anyText_isReadOrRefused() {
        var random = SplitMix(state: 0x5eed)
        let rounds = fuzzRounds
        var good = 0
        for round in 0..<rounds {
            var bytes = Array(Self.seed.utf8)
            if round % 8 == 0 {
                bytes = (0..<Int.random(in: 0..<64, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
            } else {
                for _ in 0...Int.random(in: 0..<4, using: &random) { mutate(&bytes, &random) }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            do throws(TableError) {
                let table = try CommandTable(text: text, name: "t")
                good += 1
                ask(table)
            } catch {
                // The place is one of the text, and the sentence a line.
                let lines = text.utf8.count { $0 == 10 || $0 == 13 } + 1
                guard isSentence(error.description), let line = error.line, line <= lines,
                    let column = error.column, column <= text.unicodeScalars.count + 1
                else {
                    Issue.record(
                        "\(error.description.debugDescription) for \(text.debugDescription)")
                    return
                }
            }
        }
        // Both ways were walked.
        #expect(good > rounds / 100)
        #expect(good < rounds)
    }

    // Made here of their pieces: an argument is printed for each case.
    @Test(arguments: [
        ("", "{commands:", 100_000, ""), ("", "/*", 500_000, ""), ("/*", "*", 1_000_000, ""),
        ("", "'", 1_000_000, ""), ("'", "\\", 1_000_000, ""), ("", "\n", 1_000_000, ""),
        ("", "\u{feff}", 300_000, ""), ("[", "1,", 500_000, ""), ("[", "[],", 300_000, "]"),
        ("{commands:{", "a", 1_000_000, ""), ("{", "x", 1_000_000, ":1}"),
        ("{commands:{c:{run:['/bin/true','", "{", 1_000_000, "']}}}"),
        ("{commands:{c:{run:['/bin/true','", "{a", 500_000, "}']}}}"),
        ("{commands:{c:{run:['/", "x", 1_000_000, "']}}}"),
        ("{commands:{c:{reply:'", "\\u0041", 150_000, "'}}}"),
        ("{commands:{c:{run:['/bin/true'],timeout:", "9", 1_000_000, "}}}"),
        ("{commands:{c:{run:['/bin/true','{x}'],arguments:{x:'", "(", 1_000_000, "'}}}}"),
    ])
    func longText_isRefused(start: String, piece: String, count: Int, end: String) {
        #expect(refusal(of: start + String(repeating: piece, count: count) + end)?.line != nil)
    }

    @Test func anyPattern_isJudgedOrRefused() {
        var random = SplitMix(state: 0x9a77)
        let pieces = [
            "(", ")", "a", "b", "é", ".", "[ab]", "[^-é]", "*", "+", "?", "{2}", "{0,9}", "{3,}",
            "|", "-", "^", "$", "\\", "[", "]", "{", "}", "9",
        ]
        let value = String(repeating: "aé", count: 50)
        var good = 0
        for _ in 0..<fuzzRounds {
            let count = Int.random(in: 1..<24, using: &random)
            let parts = (0..<count).map { _ in pieces.randomElement(using: &random)! }
            // Closed, as few would be by chance.
            let open = parts.reduce(0) { $1 == "(" ? $0 + 1 : max(0, $0 - ($1 == ")" ? 1 : 0)) }
            let text = parts.joined() + String(repeating: ")", count: open)
            guard let pattern = try? Pattern(text) else { continue }
            good += 1
            _ = pattern.verdict(on: "-" + value)
            // What is taken matches whole: but for these, nothing in the pieces takes a \u{1}.
            let takesAny = text.contains(".") || text.contains("[^")
            for value in ["\u{1}" + value, value + "\u{1}"] {
                let verdict = pattern.verdict(on: value)
                if verdict == .matches, !takesAny { Issue.record("\(text)") }
            }
        }
        #expect(good > fuzzRounds / 50)
    }

    @Test func tableOfThousands_isRead() throws {
        let commands = (0..<10_000).map {
            "c\($0): {run: ['/bin/true', '{x}'], arguments: {x: 'a*'}}"
        }
        let table = try table("{commands: {\(commands.joined(separator: ","))}}")
        #expect(table.entries.count == 10_000)
        #expect(table["c9999"] != nil)
    }

    /// What a server would ask of it.
    private func ask(_ table: CommandTable) {
        let identity = Identity(names: ["dns:a"], key: "")
        for entry in table.entries {
            _ = (entry.permits(identity), entry.usage, table[entry.name])
            guard case .program(let program) = entry.action else { continue }
            for value in ["", "/srv", "-x", "\0"] {
                var work = MatchingWork()
                _ = program.invocation(for: program.arguments.map { _ in value }, &work)
            }
        }
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout SplitMix) {
        let at = Int.random(in: 0...bytes.count, using: &random)
        let end = min(bytes.count, at + Int.random(in: 0..<12, using: &random))
        switch Int.random(in: 0..<6, using: &random) {
        case 0: bytes.insert(UInt8.random(in: 0...255, using: &random), at: at)
        case 1: bytes.removeSubrange(at..<end)
        case 2: bytes.insert(contentsOf: bytes[at..<end], at: at)
        case 3: if at < bytes.count { bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
        case 4: bytes.insert(contentsOf: Self.pieces.randomElement(using: &random)!.utf8, at: at)
        default:
            bytes.replaceSubrange(at..<end, with: Self.pieces.randomElement(using: &random)!.utf8)
        }
    }

    private static let seed = """
        // A table.
        {groups: {g: ['dns:a', "h"], h: ['email:b@x']}, commands: {
          "Are you there?": {reply: 'Yes\\u0021', close: true},
          d: {run: ['/bin/true', '-h', '{p}'], arguments: {p: {pattern: '(/[a-z]{1,9})*|-', secret: true}},
            allow: ['g', 'anyone'], deny: ['uri:x:c'], timeout: 1.5, output: 0x10, /* x */ summary: 'é', environment: {A: '{p}', B: ''},
            umask: '022', optional: true, directory: '/'},
        }}
        """
    private static let pieces = [
        "{", "}", "[", "]", ":", ",", "'", "\"", "\\", "\\u", "\\ud800", "//", "/*", "*/", "null",
        "true", "1e999", "1e+", "1E-", "1e-999", "-", "+", ".", "NaN", "0x", "1_0", "01", "\\x4",
        "\n", "\r\n", "\u{feff}", "\u{2028}", "\0",
        "é",
        "{p}", "(", ")", "|", "*", "+", "{1,9}", "{1000}", "[^]", "[[:", ":]]", "\\\\1", "anyone",
        "'g'", "dns:", "email:", "key:sha256:", "\u{2029}", "\u{2066}", "\u{2069}", "\r", "run:",
        "reply:", "allow:", "\u{202e}", "\u{1b}",
    ]
}
