// What is said of a table that is good and may not be meant.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Commands

@Suite(.timeLimit(.minutes(1)))
struct TableWarningTests {
    static let key = "key:sha256:" + String(repeating: "A", count: 43) + "="

    @Test(
        arguments: [
            ("", true), ("allow: []", true), ("deny: ['dns:a']", true), ("allow: ['none']", true),
            ("allow: ['anyone'], deny: ['anyone']", true),
            ("allow: ['dns:a'], deny: ['DNS']", true), ("allow: ['dns:A'], deny: ['dns:a']", true),
            ("allow: ['DNS', 'none'], deny: ['dns:b', 'dns:a']", true),
            ("allow: ['dns:a']", false), ("allow: ['anyone']", false),
            ("allow: ['DNS'], deny: ['dns:a']", false), ("allow: ['DNS'], deny: ['none']", false),
        ])
    func command_isTold_whereNobodyMayRunIt(members: String, isTold: Bool) throws {
        let groups = "{groups: {none: [], DNS: ['dns:a', 'dns:b']},"
        let table = try table(groups + command(members).dropFirst())
        #expect(table.warnings.contains { $0.code == .nobody } == isTold)
    }

    @Test(
        arguments: [
            ("deny: ['email:bad@x'], allow: ['anyone']", true),
            ("allow: ['anyone'], deny: ['all']", true), ("allow: ['anyone'], deny: []", false),
            ("allow: ['anyone'], deny: ['\(key)']", false),
            ("allow: ['all'], deny: ['email:bad@x']", false), ("allow: ['anyone']", false),
        ])
    func deny_isTold_whereItNamesSomebodyBesideAnyone(members: String, isTold: Bool) throws {
        let groups = "{groups: {all: ['email:bad@x', 'dns:b', '\(Self.key)']},"
        let table = try table(groups + command(members).dropFirst())
        #expect(table.warnings.contains { $0.code == .deniedName } == isTold)
    }

    @Test func secret_isTold_whereItIsAnArgumentOfTheProgram() throws {
        let arguments =
            "arguments: {s: {pattern: '.*', secret: true}, t: '.*'}, allow: ['anyone']"
        let shown = try table(command(arguments, run: "['/bin/true', '{t}', '{s}']"))
        #expect(shown.warnings.map(\.code) == [.secretInArguments])
        #expect(shown.warnings.map(\.column) == [43])
        let hidden = try table(
            command("environment: {S: '{s}'}, \(arguments)", run: "['/bin/true', '{t}']"))
        #expect(hidden.warnings.isEmpty)
    }

    @Test func warnings_areInTheOrderOfTheText_withTheirPlaces() throws {
        let table = try CommandTable(
            text: """
                {commands: {
                  a: {run: ['/bin/true']},
                  é: {run: ['/bin/true', '{s}'], arguments: {s: {pattern: 'x', secret: true}}},
                  c: {run: ['/bin/true'], allow: ['anyone'], deny: ['dns:x']},
                }}
                """, name: "t")
        #expect(
            table.warnings.map { "\($0.code.rawValue) \($0.line):\($0.column)" } == [
                "nobody 2:3", "nobody 3:3", "secretInArguments 3:26", "deniedName 4:52",
            ])
        #expect(table.warnings.allSatisfy { isSentence($0.description) })
        #expect(table.warnings.first?.description.hasPrefix("t:2:3: ") == true)
        #expect(table.omittedWarnings == 0)
    }

    @Test func warnings_areBounded() throws {
        let commands = (0..<5_000).map { "c\($0): {run: ['/bin/true']}" }.joined(separator: ",")
        let table = try table("{commands: {\(commands)}}")
        #expect(table.warnings.count == 100)
        #expect(table.omittedWarnings == 4_900)
    }

    @Test func replies_areNotWarnedOf() throws {
        #expect(try table("{commands: {c: {reply: 'x'}}}").warnings.isEmpty)
    }
}
