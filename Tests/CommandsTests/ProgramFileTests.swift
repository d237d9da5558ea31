// Which files the kernel could start.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import System
import Testing

@testable import Commands
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct ProgramFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test(arguments: [
        "#!/bin/sh\n", "#!/bin/sh", "#! /bin/sh -e\n", "#!\t/bin/sh\t-e \nexit\r\n",
        "#!/usr/bin/env sh\n", "\u{7f}ELF",
    ])
    func program_isTaken_whereTheKernelKnowsIt(text: String) throws {
        #expect(try code(text) == nil)
    }

    @Test(arguments: [
        "", "\n", "echo hi\n", " #!/bin/sh\n", "\n#!/bin/sh\n", "#", "#!", "#!\n", "#! \n",
        "#!\n/bin/sh", "#!sh\n", "#!bin/sh\n", "#!/no/such/interpreter\n", "#!/etc/passwd\n",
        "#!/bin\n", "#!/bin/sh\r\n", "#!/usr/bin/env sh\r\nexit\r\n", "#!/bin/sh\r",
        "\u{feff}#!/bin/sh\n", "MZ", "#!/" + String(repeating: "x", count: 254) + "\n",
    ])
    func program_isRefused_whereTheKernelDoesNot(text: String) throws {
        #expect(try code(text) == .invalidProgram)
    }

    @Test func script_isTaken_whereItsLineIsLongBehindTheName() throws {
        let argument = String(repeating: "x", count: 500)
        #expect(try code("#!/bin/sh \(argument)\n") == nil)
    }

    @Test func interpreter_isLookedAtAsAProgram() throws {
        try write("a", "#!/bin/sh\n")
        try write("b", "#!\(folder["a"])\n")
        #expect(code(at: folder["b"]) == nil)
        try write("a", "echo\n")
        #expect(code(at: folder["b"]) == .invalidProgram)
        try folder.mode("a", 0o600)
        #expect(code(at: folder["b"]) == .invalidProgram)
    }

    @Test func interpreters_areNotFollowedForEver() throws {
        try write("a", "#!\(folder["b"])\n")
        try write("b", "#!\(folder["a"])\n")
        #expect(code(at: folder["a"]) == .invalidProgram)
    }

    @Test func program_isRefused_whereItIsNotExecutable() throws {
        try write("a", "#!/bin/sh\n")
        try folder.mode("a", 0o644)
        #expect(code(at: folder["a"]) == .invalidProgram)
        try folder.folder("d", 0o700)
        #expect(code(at: folder["d"]) == .invalidProgram)
    }

    @Test(.enabled(if: geteuid() != 0)) func program_thatCannotBeRead_isTakenWithAWarning() throws {
        try write("a", "#!/bin/sh\n")
        try folder.mode("a", 0o111)
        let table = try table(command("allow: ['anyone']", run: "['\(folder["a"])']"))
        #expect(table.warnings.map(\.code) == [.unseenProgram])
    }

    // What is looked at in each folder and link is the rule's own (TrustedFileTests).
    @Test func program_isRefused_whereOthersCouldReplaceIt() throws {
        try folder.folder("d", 0o700)
        try write("d/a", "#!/bin/sh\n")
        let (path, run) = (folder["d/a"], "[▶'\(folder["d/a"])']")
        #expect(code(at: path) == nil)
        try folder.mode("d", 0o777)
        expect(.writableByOthers, in: command("", run: run))
        try folder.mode("d", 0o700)
        try folder.mode("d/a", 0o777)
        expect(.writableByOthers, in: command("optional: true", run: run))
    }

    @Test func program_isRefused_whereOthersCouldReplaceItsInterpreter() throws {
        try write("a", "#!/bin/sh\n")
        try write("b", "#!\(folder["a"])\n")
        try folder.mode("a", 0o777)
        #expect(code(at: folder["b"]) == .writableByOthers)
    }

    @Test(.enabled(if: geteuid() == 0)) func program_isRefused_whereItIsAnothers() throws {
        try write("a", "#!/bin/sh\n")
        unsafe chown(folder["a"], 65_534, 65_534)
        #expect(code(at: folder["a"]) == .foreignOwner)
    }

    // MARK: Optional programs

    @Test func optionalProgram_mayBeMissing() throws {
        let members = "optional: true, directory: '/no/such/folder', allow: ['anyone']"
        let table = try table(command(members, run: "['/no/such/program']"))
        guard case .program(let program)? = table["c"]?.action else { throw NoProgram() }
        #expect(!program.isAvailable)
        #expect(table.warnings.map(\.code) == [.unavailable])
        #expect(table.warnings.map(\.column) == [23])
        #expect(table.warnings.allSatisfy { isSentence($0.description) })
    }

    @Test func optionalProgram_isAnOrdinaryOne_whereItIsThere() throws {
        let program = try program(command("optional: true, allow: ['anyone']"))
        #expect(program.isAvailable)
        expect(.invalidValue, in: command("optional: true, directory: ▶'/no/such/folder'"))
    }

    @Test func optionalProgram_isRefused_whereItIsThereAndUnusable() {
        expect(.invalidProgram, in: command("optional: true", run: "[▶'/etc/passwd']"))
        expect(.invalidProgram, in: command("optional: false", run: "[▶'/no/such/program']"))
        expect(.wrongType, in: command("optional: ▶1"))
        expect(.conflictingKey, in: "{commands: {c: {reply: 'x', ▶optional: true}}}")
    }

    private func write(_ name: String, _ text: String) throws {
        try folder.file(name, 0o755, text)
    }

    @Test func refusal_keepsTheSystemsReason() throws {
        func cause(_ path: String) -> Cause? {
            do throws(TableError) {
                _ = try CommandTable(text: command("", run: "['\(path)']"), name: "t")
                return nil
            } catch {
                return error.cause
            }
        }
        #expect(cause("/no/such/program") == .system(Errno(ENOENT)))
        #expect(cause("/etc/passwd/x") == .system(Errno(ENOTDIR)))
        try write("a", "#!/no/such/interpreter\n")
        #expect(cause(folder["a"]) == .system(Errno(ENOENT)))
        try folder.mode("a", 0o644)
        #expect(cause(folder["a"]) == .system(Errno(EACCES)))
        #expect(cause("relative") == nil)
    }

    private func code(_ text: String) throws -> TableError.Code? {
        try write("program", text)
        return code(at: folder["program"])
    }

    private func code(at path: String) -> TableError.Code? {
        refusal(of: command("", run: "['\(path)']"))?.code
    }
}
