// Which hosts an entry's patterns match.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Hosts
@testable import JSON5

@Suite(.timeLimit(.minutes(1)))
struct HostPatternsTests {
    @Test(
        arguments: [
            ("web1", "web1"), ("web1", "WEB1"), ("Web1", "web1"), ("web*", "web"),
            ("web*", "web1.example.org"), ("*", "anything"), ("*.example.org", "a.b.example.org"),
            ("web?", "web1"), ("w*b*1", "web11"), ("a b", "b"), (" a\tb ", "a"), ("::1", "::1"),
            ("fe80::*", "fe80::1%eth0"), ("*1*", "1"), ("**", "x"), ("* !web9", "web1"),
            ("!db* *", "web1"), ("10.0.0.?", "10.0.0.7"),
        ] as [(String, String)])
    func host_isMatched(patterns: String, host: String) throws {
        #expect(try Self.patterns(patterns).match(host))
    }

    @Test(
        arguments: [
            ("web1", "web11"), ("web1", "web"), ("web1", "xweb1"), ("web?", "web"),
            ("web?", "web12"), ("*.example.org", "example.org"), ("*.org", "a.orgx"),
            ("* !web9", "WEB9"), ("!db* *", "db1"), ("web* !*9", "web19"), ("a b", "a b"),
            ("w*b*1", "web12"), ("[::1]", "::1"),
        ] as [(String, String)])
    func host_isNotMatched(patterns: String, host: String) throws {
        #expect(((try? Self.patterns(patterns))?.match(host) ?? false) == false)
    }

    @Test func manyStars_takeNoTime() throws {
        let stars = String(repeating: "*a", count: 127)
        let host = String(repeating: "a", count: 254) + "b"
        #expect(try !Self.patterns(stars).match(host))
    }

    @Test(
        arguments: [
            "", "  ", "!", "!a", "!a !b", "a,b", "a/b", "web1:22", "web*:22", "u@web1", "[::1]",
            "ä",
            "a\u{1}b", "a!b", String(repeating: "a", count: 256),
        ])
    func pattern_isAMistake_whereItCanMatchNothing(patterns: String) {
        let error = #expect(throws: Mistake.self) { try Self.patterns(patterns) }
        #expect(error?.code == .invalidName)
        #expect(error?.offset == 7)
    }

    @Test func names_areThoseThatAreNoPatterns() throws {
        #expect(try Self.patterns("web1 web* !web9 WEB2 db?").names == ["web1", "web2"])
    }

    private static func patterns(_ text: String) throws(Mistake) -> HostPatterns {
        let value = JSON5Node(offset: 12, content: .object([]))
        return try HostPatterns(JSON5Node.Member(key: text, offset: 7, value: value))
    }
}
