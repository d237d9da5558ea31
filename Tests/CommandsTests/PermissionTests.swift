// Who may run what.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Commands

@Suite(.timeLimit(.minutes(1)))
struct PermissionTests {
    static let key = "key:sha256:" + String(repeating: "A", count: 42) + "E="
    static let otherKey = "key:sha256:" + String(repeating: "B", count: 42) + "E="
    static let groups =
        "ops: ['email:o@x', '\(key)'], admins: ['uri:spiffe://x/a', 'ops'], none: [], all: ['none', 'admins', 'ops', 'dns:d']"

    static let identities: [String: Identity] = [
        "nobody": Identity(names: [], key: ""),
        "stranger": Identity(names: ["dns:s", "email:s@x"], key: otherKey),
        "d": Identity(names: ["dns:d"], key: otherKey),
        "o": Identity(names: ["dns:s", "email:o@x"], key: otherKey),
        "a": Identity(names: ["uri:spiffe://x/a"], key: otherKey),
        "key": Identity(names: ["dns:s"], key: key),
        "only key": Identity(names: [], key: key),
        "both": Identity(names: ["dns:d", "email:o@x"], key: ""),
    ]

    @Test(
        arguments: [
            ("", []),
            ("allow: []", []),
            ("deny: ['anyone']", []),
            ("deny: ['dns:d']", []),
            (
                "allow: ['anyone']",
                ["stranger", "d", "o", "a", "key", "only key", "both"]
            ),
            ("allow: ['anyone'], deny: ['anyone']", []),
            (
                "allow: ['anyone'], deny: ['dns:d']",
                ["stranger", "o", "a", "key", "only key"]
            ),
            ("deny: ['dns:d'], allow: ['anyone']", ["stranger", "o", "a", "key", "only key"]),
            ("allow: ['dns:d']", ["d", "both"]),
            ("allow: ['dns:d', 'dns:d']", ["d", "both"]),
            ("allow: ['dns:D']", ["d", "both"]),
            ("allow: ['dns:*', 'dns:d.d', 'email:d@x', 'uri:d:d']", []),
            (
                "allow: ['anyone'], deny: ['dns:D', 'email:o@X', 'uri:SPIFFE://X/a']",
                ["stranger", "key", "only key"]
            ),
            ("allow: ['dns:d'], deny: ['email:o@x']", ["d"]),
            ("allow: ['dns:d'], deny: ['dns:d']", []),
            ("allow: ['\(key)']", ["key", "only key"]),
            ("allow: ['dns:s'], deny: ['\(key)']", ["stranger", "o"]),
            ("allow: ['none']", []),
            ("allow: ['ops']", ["o", "key", "only key", "both"]),
            ("allow: ['admins']", ["o", "key", "only key", "both", "a"]),
            ("allow: ['all']", ["o", "key", "only key", "both", "a", "d"]),
            ("allow: ['all'], deny: ['admins']", ["d"]),
            ("allow: ['all'], deny: ['ops']", ["a", "d"]),
            ("allow: ['anyone'], deny: ['all']", ["stranger"]),
            (
                "allow: ['ops', 'dns:d', 'dns:s']",
                [
                    "stranger", "d", "o", "key", "only key", "both",
                ]
            ),
        ] as [(String, Set<String>)])
    func program_isFor_whomItIsAllowedAndNotDenied(members: String, allowed: Set<String>) throws {
        let table = try table("{groups: {\(Self.groups)}, \(command(members).dropFirst())")
        let entry = try #require(table["c"])
        let permitted = Self.identities.filter { entry.permits($0.value) }
        #expect(Set(permitted.keys) == allowed)
    }

    @Test func reply_isForEverybody() throws {
        let entry = try #require(try table("{commands: {c: {reply: 'x'}}}")["c"])
        for identity in Self.identities.values { #expect(entry.permits(identity)) }
    }

    @Test(
        arguments: [
            // What names a host has no case (RFC 5280, section 7); all else has.
            ("dns:WEB.example", "dns:web.Example", true), ("dns:*.X", "dns:*.x", true),
            ("email:alice@Example.ORG", "email:alice@example.org", true),
            ("email:Alice@x", "email:alice@x", false),
            ("email:\\\"a@B\\\"@x", "email:\"a@B\"@X", true),
            ("email:\\\"a@B\\\"@x", "email:\"a@b\"@x", false),
            ("uri:SPIFFE://Example.ORG/Deploy", "uri:spiffe://example.org/Deploy", true),
            ("uri:spiffe://x/Deploy", "uri:spiffe://x/deploy", false),
            ("uri:http://U@H/p", "uri:http://U@h/p", true),
            ("uri:http://U@H/p", "uri:http://u@h/p", false),
            ("uri:http://h?Q@H", "uri:http://h?Q@h", false),
            ("uri:URN:a:B", "uri:urn:a:B", true), ("uri:urn:a:B", "uri:urn:a:b", false),
            ("dns:a", "email:a", false),
        ] as [(String, String, Bool)])
    func names_areComparedInOneSpelling(named: String, certified: String, isSame: Bool) throws {
        let entry = try #require(try table(command("allow: [\"\(named)\"]"))["c"])
        #expect(entry.permits(Identity(names: [certified], key: "")) == isSame)
        let denied = try table(command("allow: ['anyone'], deny: [\"\(named)\"]"))
        let other = Identity(names: ["dns:other", certified], key: "")
        #expect(denied["c"]?.permits(other) == !isSame)
    }

    @Test func name_doesNotCount_whereNoTableCouldHoldIt() {
        let names = ["dns:192.0.2.7", "ip:192.0.2.7", "dns:a b", "dns:", "email:x", "dns:Ok"]
        #expect(Identity(names: names, key: "k").names == ["dns:ok"])
    }

    @Test func identities_areThoseOfGroupsAndEntries_sorted() throws {
        let table = try table(
            "{groups: {\(Self.groups), unused: ['dns:u']}, "
                + command("allow: ['anyone', 'ops', 'dns:b'], deny: ['dns:c', 'dns:d']").dropFirst()
        )
        #expect(
            table.identities == [
                "dns:b", "dns:c", "dns:d", "dns:u", "email:o@x", Self.key, "uri:spiffe://x/a",
            ])
    }

    @Test func identity_isCalledByItsFirstName_orItsKey() {
        #expect(Identity(names: ["dns:b", "dns:a"], key: Self.key).description == "dns:b")
        #expect(Identity(names: [], key: Self.key).description == Self.key)
    }

    // MARK: Identities

    static let identityTexts = [
        "", ":", "dns:", "email:", "uri:", "ip:127.0.0.1", "DNS:a", "dns :a", " dns:a", "cn:a",
        "dns:a\\nb", "key:", "key:sha256:", "key:sha256", "key:sha1:AAAA",
        "key:sha256:AAAA", "sha256//" + String(repeating: "A", count: 43) + "=:",
        "key:sha256:" + String(repeating: "A", count: 44),
        "key:sha256:" + String(repeating: "A", count: 42) + "B=",
        "key:sha256:" + String(repeating: "A", count: 42) + "==",
        "key:sha256:" + String(repeating: "A", count: 41) + "-A=",
        "key:sha256:" + String(repeating: "A", count: 43) + "= ",
        "KEY:sha256:" + String(repeating: "A", count: 43) + "=", "anyone\\n",
        // What no certificate contains, so that a deny of it would let everyone in.
        "email:alice@example.test ", "email: alice@example.test", "email:a b@x", "dns:a\\tb",
        "dns:a\\u00a0", "dns:\u{fc}.example", "email:\u{e9}@x", "dns:e\u{301}", "dns:a\\u200b",
        "dns:192.0.2.7", "dns:2001:db8::1", "dns:[::1]", "ip:::1", "dns:web1:443",
        "dns:https://web1", "dns:alice@x", "dns:a/b", "dns:a,b", "dns:.", "dns:.a", "dns:a.",
        "dns:a..b", "dns::", "email:alice", "email:@x", "email:alice@", "uri:alice", "uri:c:",
        "uri:://x", "uri:1:x", "uri:a b:c",
    ]

    @Test(arguments: identityTexts)
    func identity_isRefused_whereItIsNone(text: String) {
        expect(.invalidIdentity, in: command("allow: ['dns:a', ▶'\(text)']"))
        expect(.invalidIdentity, in: command("deny: [▶'\(text)']"))
        expect(.invalidIdentity, in: "{groups: {g: [▶'\(text)']}, commands: {}}")
        let decoded = try? JSON5Scanner.read("'\(text)'").string("", "")
        let sentence = Identity.fault(in: decoded ?? "")
        #expect(sentence.map(isSentence) == true)
    }

    @Test(
        arguments: [
            ("alice@example.org", "'email:alice@example.org'"),
            ("web.example.org", "'dns:web.example.org'"),
            ("Email:alice@x", nil), ("dns:alice@x", "'email:alice@x'"),
            (
                "sha256//" + String(repeating: "A", count: 43) + "=",
                "'key:sha256:" + String(repeating: "A", count: 43) + "='"
            ),
            (
                "key:sha256//" + String(repeating: "A", count: 43) + "=",
                "'key:sha256:" + String(repeating: "A", count: 43) + "='"
            ),
            ("sha256//AAAA", nil), ("alice", nil), ("alice@", nil), ("192.0.2.7", nil),
        ] as [(String, String?)])
    func identity_thatIsNearOne_isToldWithIt(text: String, meant: String?) {
        let error = #expect(throws: TableError.self) { try table(command("allow: ['\(text)']")) }
        guard let sentence = error?.description else { return }
        #expect(isSentence(sentence))
        #expect(sentence.contains("did you mean") == (meant != nil), "\(sentence)")
        #expect(sentence.contains("did you mean \(meant ?? "")") == (meant != nil), "\(sentence)")
    }

    @Test(arguments: ["192.0.2.7", "2001:db8::1", "ip:192.0.2.7", "dns:192.0.2.7"])
    func address_isToldToProveNobody(text: String) {
        let error = #expect(throws: TableError.self) { try table(command("deny: ['\(text)']")) }
        #expect(error?.description.contains("address") == true)
    }

    @Test(arguments: [
        "dns:a", "dns:*.x", "dns:a_b-1.x", "uri:a:b", "uri:spiffe://x/a", "email:a@x",
        "email:$(id)@x;id", "email:\"a@b\"@x", "email:a@[192.0.2.7]", "dns:xn--bcher-kva.example",
        key,
    ])
    func identity_isTaken(text: String) throws {
        #expect(try table(command("allow: ['\(text)']")).identities == [text])
        #expect(Identity.isIdentity(text))
    }

    // MARK: Groups

    @Test(arguments: ["''", "'a:b'", "':'", "anyone", "'a\\nb'", "'dns:a'"])
    func groupName_isRefused_whereItIsNone(key: String) {
        expect(.invalidName, in: "{groups: {▶\(key): []}, commands: {}}")
    }

    @Test(arguments: [
        command("allow: [▶'g']"), command("deny: [▶'g']"), command("allow: [▶'Anyone']"),
        "{groups: {g: [▶'h']}, commands: {}}", "{groups: {g: ['dns:a', ▶'G']}, commands: {}}",
    ])
    func group_isRefused_whereItIsUnknown(marked: String) {
        expect(.unknownGroup, in: marked)
    }

    @Test func anyone_isRefused_inAGroup() {
        expect(.invalidIdentity, in: "{groups: {g: [▶'anyone']}, commands: {}}")
    }

    @Test(arguments: [
        "g: [▶'g']", "g: ['h'], h: [▶'g']", "a: [], g: ['h'], h: ['a', 'i'], i: [▶'g']",
        "a: ['g'], g: ['dns:x', ▶'g']",
    ])
    func groups_areRefused_whereOneContainsItself(groups: String) {
        expect(.groupCycle, in: "{groups: {\(groups)}, commands: {}}")
    }

    @Test func groups_mayContainOneGroupByTwoWays() throws {
        let table = try table(
            "{groups: {a: ['b', 'c'], b: ['d'], c: ['d', 'd'], d: ['dns:x']}, commands: {}}")
        #expect(table.identities == ["dns:x"])
    }

    @Test(arguments: [false, true])
    func groups_areNestedAtMost32Deep(isReversed: Bool) {
        func text(_ count: Int) -> String {
            let groups = (0..<count).map { "g\($0): [\($0 + 1 < count ? "'g\($0 + 1)'" : "")]" }
            let ordered = isReversed ? groups.reversed() : groups
            return "{groups: {\(ordered.joined(separator: ","))}, commands: {}}"
        }
        #expect(refusal(of: text(32)) == nil)
        for count in [33, 20_000] { #expect(refusal(of: text(count))?.code == .tooDeep) }
    }

    @Test func groups_areRefused_whereTheyMultiply() {
        let identities = (0..<5_000).map { "'dns:\($0)'" }.joined(separator: ",")
        let groups = (0..<100).map { "g\($0): ['all']" }.joined(separator: ",")
        let text = "{groups: {all: [\(identities)], \(groups)}, commands: {}}"
        #expect(refusal(of: text)?.code == .tooMany)
    }
}
