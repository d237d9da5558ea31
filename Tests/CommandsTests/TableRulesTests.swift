// The rules of the table and of its names and texts: what is taken, and where it is refused.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Commands

@Suite(.timeLimit(.minutes(1)))
struct TableRulesTests {
    static let longReply = String(repeating: "x", count: 1_023)
    static let longName = String(repeating: "é", count: 127) + "x"

    // MARK: Types

    @Test(arguments: [
        "▶[]", "▶1", "▶'x'", "▶null", "▶true", "{commands:▶[]}", "{commands:▶null}",
        "{groups:▶[],commands:{}}", "{groups:{g:▶'dns:a'},commands:{}}",
        "{groups:{g:[▶1]},commands:{}}", "{groups:{g:[▶[]]},commands:{}}",
        "{commands:{c:▶'x'}}", "{commands:{c:▶[]}}", "{commands:{c:{reply:▶1}}}",
        "{commands:{c:{reply:▶null}}}", "{commands:{c:{reply:'x',close:▶1}}}",
        "{commands:{c:{reply:'x',close:▶'true'}}}", "{commands:{c:{reply:'x',summary:▶[]}}}",
        "{commands:{c:{run:▶'/bin/true'}}}", "{commands:{c:{run:[▶1]}}}",
        "{commands:{c:{run:['/bin/true',▶1]}}}", "{commands:{c:{run:['/bin/true',▶null]}}}",
        command("arguments: ▶[]"), command("arguments: {x: ▶1}"), command("arguments: {x: ▶null}"),
        command("arguments: {x: {pattern: ▶1}}"),
        command("arguments: {x: {pattern: 'x', secret: ▶1}}"), command("allow: ▶'anyone'"),
        command("allow: ▶{}"), command("deny: ▶'anyone'"), command("allow: [▶1]"),
        command("deny: [▶null]"), command("input: ▶1"), command("input: ▶'yes'"),
        command("timeout: ▶'1'"), command("timeout: ▶true"), command("output: ▶'1M'"),
        command("concurrency: ▶[]"), command("perIdentity: ▶null"), command("directory: ▶1"),
        command("umask: ▶22"), command("grace: ▶'1'"), command("background: ▶1"),
        command("summary: ▶1"),
    ])
    func value_isRefused_whereItsTypeIsWrong(marked: String) {
        expect(.wrongType, in: marked)
    }

    // MARK: Keys

    @Test(arguments: [
        "{▶command:{}}", "{commands:{},▶group:{}}", "{▶'':1}", "{commands:{c:{▶rnu:[]}}}",
        "{commands:{c:{reply:'x',▶closes:true}}}", command("▶argument: {}"),
        command("▶Allow: []"), command("▶env: {}"),
        command("arguments: {x: {pattern: 'x', ▶hidden: true}}"), command("▶'a\\nb': 1"),
    ])
    func key_isRefused_whereItIsUnknown(marked: String) {
        expect(.unknownKey, in: marked)
    }

    @Test(arguments: [
        ("{comands:{}}", "'commands'"), ("{grups:{}}", "'groups'"),
        (command("alow: []"), "'allow'"), (command("timout: 1"), "'timeout'"),
        (command("peridentity: 1"), "'perIdentity'"), ("{commands:{c:{rnu:[]}}}", "'run'"),
        (command("allow: ['admin']"), "'admins'"),
    ])
    func key_thatIsNearAKnownOne_isToldWithIt(text: String, near: String) {
        let text = text.replacing(
            "{commands:", with: "{groups:{admins:[]},commands:", maxReplacements: 1)
        let error = #expect(throws: TableError.self) { try table(text) }
        #expect(error?.description.contains("did you mean \(near)") == true)
    }

    @Test func key_thatIsNearNone_isToldWithTheKnownOnes() {
        let error = #expect(throws: TableError.self) { try table("{zzzzzz: 1}") }
        #expect(error?.description.contains("did you mean") == false)
        #expect(error?.description.hasSuffix("expected groups, commands") == true)
    }

    @Test(arguments: [
        "▶{}", "▶{groups:{}}", "{commands:{c:▶{}}}", "{commands:{c:▶{close:true}}}",
        "{commands:{c:▶{allow:['anyone']}}}", "{commands:{c:▶{summary:'x'}}}",
        command("arguments: {x: ▶{secret: true}}"), command("arguments: {x: ▶{}}"),
    ])
    func table_isRefused_whereAKeyIsMissing(marked: String) {
        expect(.missingKey, in: marked)
    }

    @Test(arguments: [
        "run:['/bin/true']", "arguments:{}", "allow:[]", "deny:[]", "input:true", "timeout:1",
        "output:1", "concurrency:1", "perIdentity:1", "directory:'/'", "environment:{}",
        "umask:'022'", "grace:1", "background:true",
    ])
    func key_isRefused_besideAReply(member: String) {
        expect(.conflictingKey, in: "{commands:{c:{reply:'x',▶\(member)}}}")
        expect(.conflictingKey, in: "{commands:{c:{▶\(member),reply:'x'}}}")
    }

    @Test func close_isRefused_besideAProgram() {
        expect(.conflictingKey, in: command("▶close: true"))
        expect(.conflictingKey, in: command("▶close: false"))
    }

    // MARK: Names and texts

    @Test(arguments: [
        "", "-", "-x", "--help", "a\\nb", "a\\u001b[0m", "a\\u007f", "\\u0085",
        "\\u2028", longName + "é", String(repeating: "x", count: 256),
    ])
    func commandName_isRefused_whereItIsNone(name: String) {
        expect(.invalidName, in: "{commands:{▶'\(name)':{reply:'x'}}}")
    }

    @Test(arguments: ["a", "Are you there?", " ", "a-", "é", "😀", longName, "Help", "WHOAMI"])
    func commandName_isTaken(name: String) throws {
        let table = try table("{commands:{'\(name)':{reply:'x'}}}")
        #expect(table.entries.map(\.name) == [name])
        #expect(table[name]?.usage == name)
    }

    @Test(arguments: ["help", "whoami"])
    func commandName_isRefused_whereItIsTheServers(name: String) {
        expect(.reservedName, in: "{commands:{▶\(name):{reply:'x'}}}")
    }

    @Test(arguments: ["", "a\\nb", "\\u001b", longReply + "x", longReply + "é"])
    func reply_isRefused_whereItCannotBeOne(text: String) {
        expect(.invalidValue, in: "{commands:{c:{reply:▶'\(text)'}}}")
    }

    @Test(arguments: ["x", "a\\tb", longReply, "é😀"])
    func reply_isTaken(text: String) throws {
        let entry = try table("{commands:{c:{reply:'\(text)',close:true,summary:'\(text)'}}}")["c"]
        guard case .reply(let read, let closes) = entry?.action else { throw NoProgram() }
        #expect(read == text.replacing("\\t", with: "\t"))
        #expect(entry?.summary == read)
        #expect(closes)
    }

    @Test(arguments: ["a\\nb", "\\u001b", longReply + "x"])
    func summary_isRefused_whereItIsNoLine(text: String) {
        expect(.invalidValue, in: command("summary: ▶'\(text)'"))
    }

    // MARK: The table

    @Test func entries_areSortedByTheirBytes() throws {
        let names = ["Z", "a", "a b", "ab", "z", "é", "😀"]
        let members = names.reversed().map { "'\($0)': {reply: 'x'}" }.joined(separator: ",")
        #expect(try table("{commands: {\(members)}}").entries.map(\.name) == names)
    }

    @Test func command_isFound_byItsExactBytesOnly() throws {
        let table = try table("{commands: {'caf\u{e9}': {reply: 'x'}}}")
        #expect(table["caf\u{e9}"] != nil)
        #expect(table["cafe\u{301}"] == nil)
    }

    @Test func table_mayBeEmpty() throws {
        let table = try table("{commands: {}}")
        #expect(table.entries.isEmpty)
        #expect(!table.hasPrograms)
        #expect(table.identities.isEmpty)
    }

    @Test func hasPrograms_isTrue_whereOneIsThere() throws {
        #expect(try table(command("")).hasPrograms)
        #expect(try !table("{commands: {c: {reply: 'x'}}}").hasPrograms)
    }

    @Test func error_namesTheFile_withoutItsControlCharacters() {
        let error = #expect(throws: TableError.self) {
            try CommandTable(text: "{", name: "a\n\u{1b}b")
        }
        #expect(error?.description.hasPrefix("a\\u{a}\\u{1b}b:1:2: ") == true)
    }
}
