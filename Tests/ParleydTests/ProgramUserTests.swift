// Whom a server's programs run as, as its options and its log have it.
// SPDX-License-Identifier: Apache-2.0
import Commands
import Glibc
import System
import Testing

@testable import Console
@testable import parleyd

@Suite struct ProgramUserTests {
    @Test func option_isParleyByDefault() throws {
        #expect(try ServerOptions(["command", "--plaintext"]).programUser == "parley")
    }

    @Test(.enabled(if: geteuid() == 0)) func option_namesAnybodyButRoot() throws {
        #expect(try options("daemon").programUser == "daemon")
        // It is looked up when a program needs it.
        #expect(try options("no such user").programUser == "no such user")
        #expect(throws: UsageError.self) { try options("root") }
    }

    @Test(.enabled(if: geteuid() != 0)) func option_namesThisUserOnly() throws {
        for name in ["root", "daemon", "no such user"] {
            #expect(throws: UsageError.self) { try options(name) }
        }
        let own = UserAccount.current().name
        if !own.allSatisfy(\.isNumber) { #expect(try options(own).programUser == own) }
    }

    @Test func option_isTheCommandServers() {
        #expect(throws: UsageError.self) {
            try ServerOptions(["hello", "--plaintext", "--program-user", "nobody"])
        }
    }

    // MARK: Warnings

    @Test func tableWithoutPrograms_isNotWarnedOf() throws {
        #expect(try warnings("{commands: {c: {reply: 'x'}}}", .own).isEmpty)
    }

    @Test(.enabled(if: geteuid() != 0)) func sharedUser_isWarnedOfOnce() throws {
        let own = try warnings(
            "{commands: {a: {run: ['/bin/true']}, b: {run: ['/bin/true']}}}", .own
        ).filter { $0.contains("own user, \(UserAccount.current().name)") }
        #expect(own.count == 1)
    }

    @Test(.enabled(if: geteuid() == 0)) func rootsPrograms_areWarnedOfByName() throws {
        func about(_ count: Int) throws -> [String] {
            let entries = (0..<count).map { "c\($0): {run: ['/bin/true'], user: 'root'}" }
            let others = "z: {run: ['/bin/true'], user: 'nobody'}"
            return try warnings(
                "{commands: {\((entries + [others]).joined(separator: ", "))}}",
                .named(otherwise: "nobody")
            ).filter { $0.contains("as root") }
        }
        #expect(try about(0).isEmpty)
        #expect(try about(1).first?.hasPrefix("'c0' runs as root") == true)
        #expect(try about(2).first?.hasPrefix("'c0', 'c1' run as root") == true)
        #expect(try about(7).first?.contains("'c4' and 2 more run as root") == true)
        #expect(try about(7).count == 1)
    }

    @Test func missingScope_isWarnedOf() throws {
        let about = try warnings("{commands: {a: {run: ['/bin/true'], \(someUser)}}}", anybody)
            .filter {
                $0.contains("can signal and trace")
            }
        #expect(about.isEmpty == Landlock.scopesSignals)
    }

    private var anybody: ProgramUsers { .possible(otherwise: "nobody") }
    private var someUser: String { geteuid() == 0 ? "user: 'nobody'" : "" }

    private func warnings(_ text: String, _ users: ProgramUsers) throws -> [String] {
        parleyd.warnings(ofProgramsIn: try CommandTable(text: text, name: "t", users: users))
    }

    private func options(_ name: String) throws -> ServerOptions {
        try ServerOptions(["command", "--plaintext", "--program-user", name])
    }
}
