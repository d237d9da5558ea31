// Whom a table's programs may run as.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import System
import Testing

@testable import Commands
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct UserRulesTests {
    private static let own = UserAccount.current().name

    @Test func program_runsAsThisUser_andGainsNothing_byDefault() throws {
        let program = try program(command(""))
        #expect(program.user == .own())
        #expect(program.user.numbers == nil)
        #expect(program.user.number == geteuid())
        #expect(!program.isPrivileged)
    }

    @Test func privileged_isReadAsItStands() throws {
        #expect(try program(command("privileged: true")).isPrivileged)
        #expect(try !program(command("privileged: false")).isPrivileged)
        expect(.wrongType, in: command("privileged: ▶'yes'"))
        expect(.wrongType, in: command("privileged: ▶1"))
    }

    @Test(arguments: ["0", "1000", "null", "true", "['root']", "{name: 'root'}"])
    func user_isRefused_whereItIsNoText(value: String) {
        expect(.wrongType, in: command("user: ▶\(value)"))
    }

    @Test(arguments: ["''", "'0'", "'1000'", "'00'"])
    func user_isRefused_whereItIsEmptyOrANumber(value: String) {
        expect(.invalidValue, in: command("user: ▶\(value)"))
        #expect(
            reading(command("user: \(value)"), .named(otherwise: "nobody"))?.code == .invalidValue)
    }

    @Test(arguments: ["user: 'root'", "privileged: true"])
    func key_isRefused_besideAReply(member: String) {
        expect(.conflictingKey, in: "{commands: {c: {reply: 'x', ▶\(member)}}}")
    }

    // MARK: A server of anybody's but root

    @Test func user_isTaken_whereItIsThisOne() throws {
        // One whose number has no entry can't be named.
        guard !Self.own.allSatisfy(\.isNumber) else { return }
        #expect(try program(command("user: '\(Self.own)'")).user == .own())
    }

    @Test func user_isRefused_whereItIsAnother() {
        for name in ["root", "nobody", "no such user", "a\\u202eb"] where name != Self.own {
            expect(.impossibleUser, in: command("user: ▶'\(name)'"))
        }
        let told = sentence(of: command("user: 'no such user'")) ?? ""
        #expect(told.contains("'no such user'") && told.contains("'\(Self.own)'"))
    }

    // MARK: A server of root's

    @Test func user_isRefused_whereThereIsNone() {
        let error = reading(
            "{commands: {c: {run: ['/bin/true'], user: 'no such user'}}}", .named(otherwise: "root")
        )
        #expect(error?.code == .unknownUser)
        #expect(error?.column == 43)
    }

    @Test func entryWithoutAUser_isRefused_whereTheirsIsNone_withTheCommandThatMakesIt() {
        let error = reading(
            "{commands: {c: {run: ['/bin/true']}}}", .named(otherwise: "no such user"))
        #expect(error?.code == .unknownUser)
        #expect(error?.column == 13)
        #expect(error?.description.hasSuffix("/usr/sbin/nologin 'no such user'") == true)
        // Nobody needs it.
        #expect(reading("{commands: {c: {reply: 'x'}}}", .named(otherwise: "no such user")) == nil)
    }

    @Test(.enabled(if: geteuid() != 0)) func user_isRefused_whereItCannotBeTakenOn() {
        for members in ["user: 'nobody'", ""] {
            let error = reading(command(members), .named(otherwise: "nobody"))
            #expect(error?.code == .impossibleUser)
            #expect(error?.cause == .system(Errno(EPERM)))
            #expect(error?.description.contains("CAP_SETUID") == true)
        }
    }

    @Test(.enabled(if: geteuid() == 0)) func user_isResolved() throws {
        let table = try table("user: 'daemon'", "", "user: 'root', privileged: true")
        let programs = table.programs.map(\.program)
        #expect(table.programs.map(\.name) == ["c0", "c1", "c2"])
        #expect(programs.map(\.user.account.name) == ["daemon", "nobody", "root"])
        #expect(programs.map(\.user.number) == [1, 65_534, 0])
        #expect(
            try programs.map(\.user.numbers)
                == ["daemon", "nobody", "root"].map { try KnownUser(name: $0)?.numbers })
        #expect(programs.map(\.isPrivileged) == [false, false, true])
    }

    @Test(.enabled(if: geteuid() == 0)) func root_isOnlyNamed() throws {
        let text = "{commands: {c: {run: ['/bin/true']}}}"
        let error = reading(text, .named(otherwise: "root"))
        #expect(error?.code == .impossibleUser)
        #expect(error?.column == 13)
        #expect(reading(command("user: 'root'"), .named(otherwise: "root")) == nil)
    }

    @Test(.enabled(if: geteuid() == 0)) func program_isJudgedForItsUser() throws {
        let folder = try TemporaryFolder()
        try folder.mode("", 0o711)
        try folder.folder("d", 0o755)
        try folder.file("d/f", 0o755, "#!/bin/sh\n")
        func code(_ user: String, _ members: String = "") -> TableError.Code? {
            let text = command("user: '\(user)', \(members)", run: "['\(folder["d/f"])']")
            return reading(text, .named(otherwise: "nobody"))?.code
        }
        #expect(code("daemon") == nil)
        try folder.owner("d/f", 1)
        try folder.owner("d", 1)
        #expect(code("daemon") == nil)
        #expect(code("nobody") == .foreignOwner)
        #expect(code("root") == .foreignOwner)
        try folder.mode("d/f", 0o500)
        #expect(code("daemon") == nil)
        try folder.owner("d/f", 0)
        #expect(code("daemon") == .invalidProgram)
        // It starts, and its interpreter can't read it.
        try folder.mode("d/f", 0o711)
        #expect(code("daemon") == .invalidProgram)
        try folder.mode("d/f", 0o755)
        #expect(code("daemon", "directory: '\(folder["d"])'") == nil)
        try folder.mode("d", 0o700)
        #expect(code("daemon", "directory: '\(folder["d"])'") == nil)
        try folder.owner("d", 0)
        #expect(code("daemon") == .invalidProgram)
        try folder.mode("d", 0o711)
        try folder.folder("e", 0o700)
        #expect(code("daemon", "directory: '\(folder["e"])'") == .invalidValue)
        #expect(code("root", "directory: '\(folder["e"])'") == nil)
    }

    private func table(_ members: String...) throws -> CommandTable {
        let commands = members.enumerated().map { "c\($0): {run: ['/bin/true'], \($1)}" }
        return try CommandTable(
            text: "{commands: {\(commands.joined(separator: ", "))}}", name: "t",
            users: .named(otherwise: "nobody"))
    }

    private func reading(_ text: String, _ users: ProgramUsers) -> TableError? {
        do throws(TableError) {
            _ = try CommandTable(text: text, name: "t", users: users)
            return nil
        } catch {
            #expect(isSentence(error.description), "\(error)")
            return error
        }
    }
}
