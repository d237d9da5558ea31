// The rules for the keys of an entry with `run`: what is accepted, and where it is rejected.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Commands

@Suite(.timeLimit(.minutes(1)))
struct ProgramRulesTests {
    static let many = (0..<64).map { "a\($0)" }

    // MARK: Programs

    @Test(arguments: [
        "▶[]", "[▶'true']", "[▶'']", "[▶'./true']", "[▶'/bin/no-such-program']", "[▶'/bin']",
        "[▶'/etc/passwd']", "[▶'/dev/null']", "[▶'/bin/true/x']", "[▶'/bin/\\nx']",
    ])
    func program_isRefused_whereItCannotBeRun(marked: String) {
        expect(.invalidProgram, in: command("", run: marked))
    }

    @Test func program_thatIsMissing_isToldByItsPath() {
        let error = #expect(throws: TableError.self) {
            try table(command("", run: "['/bin/no-such-program']"))
        }
        #expect(error?.description.contains("/bin/no-such-program") == true)
    }

    @Test(arguments: [
        "'/bin/true',▶'a\\u0000b'", "▶'/bin/\\u0000'", "'/bin/true',▶'\\x00'",
    ])
    func string_isRefused_withANUL(words: String) {
        // The library's own rule; the kernel would cut the argument short.
        expect(.syntax, in: command("", run: "[\(words)]"))
    }

    @Test(arguments: [
        "▶'tmp'", "▶''", "▶'./'", "▶'~'", "▶'/no/such/folder'", "▶'/etc/passwd'",
        "▶'/bin/true/x'",
    ])
    func directory_isRefused_whereNothingCanRunIn(marked: String) {
        expect(.invalidValue, in: command("directory: \(marked)"))
    }

    @Test(arguments: [
        "timeout: ▶0", "timeout: ▶-1", "timeout: ▶31536000.5", "timeout: ▶Infinity",
        "timeout: ▶NaN", "output: ▶0", "output: ▶-1", "output: ▶1.5", "output: ▶1125899906842625",
        "output: ▶1e300", "output: ▶Infinity", "output: ▶NaN", "concurrency: ▶0",
        "concurrency: ▶10001", "concurrency: ▶0.5", "perIdentity: ▶0", "perIdentity: ▶10001",
        "grace: ▶0", "grace: ▶-1", "grace: ▶31536001", "grace: ▶NaN", "umask: ▶''",
        "umask: ▶'8'", "umask: ▶'1777'", "umask: ▶'00022'", "umask: ▶'-1'", "umask: ▶'+22'",
        "umask: ▶'0o22'", "umask: ▶' 22'", "memory: ▶1048575", "memory: ▶1125899906842625",
        "memory: ▶1048576.5", "processes: ▶0", "processes: ▶1048577", "processes: ▶NaN",
        "cpu: ▶0", "cpu: ▶0.009", "cpu: ▶-1", "cpu: ▶1025", "cpu: ▶NaN", "cpu: ▶Infinity",
    ])
    func limit_isRefused_whereItIsOutOfRange(marked: String) {
        expect(.invalidValue, in: command(marked))
    }

    @Test func limits_haveDefaults() throws {
        let program = try program(command(""))
        #expect(program.path == "/bin/true")
        #expect(!program.takesInput)
        #expect(program.timeout == .seconds(60))
        #expect(program.outputLimit == 16_777_216)
        #expect(program.concurrency == 16)
        #expect(program.perIdentity == 4)
        #expect(program.directory == "/")
        #expect(program.umask == 0o077)
        #expect(program.grace == nil)
        #expect(!program.isBackground)
        #expect(program.limits == ControlGroupLimits())
        #expect(program.arguments.isEmpty)
        #expect(program.isAvailable)
        var work = MatchingWork()
        #expect(try program.invocation(for: [], &work).get().environment.isEmpty)
    }

    @Test(arguments: [(1, 1), (3, 1), (4, 1), (7, 1), (8, 2), (16, 4), (10_000, 2_500)])
    func perIdentity_isAQuarterOfConcurrency_whereNothingIsSaid(all: Int, one: Int) throws {
        #expect(try program(command("concurrency: \(all)")).perIdentity == one)
        // Whoever says so may let one client have all.
        let whole = try program(command("concurrency: \(all), perIdentity: \(all)"))
        #expect(whole.perIdentity == all)
    }

    @Test(arguments: [("077", 0o077), ("0", 0), ("22", 0o22), ("0022", 0o22), ("777", 0o777)])
    func umask_isReadAsOctalText(text: String, mask: UInt32) throws {
        #expect(try program(command("umask: '\(text)'")).umask == mask)
    }

    @Test func end_isRead() throws {
        let program = try program(command("grace: 0.5, background: true"))
        #expect(program.grace == .milliseconds(500))
        #expect(program.isBackground)
        #expect(try CommandsTests.program(command("grace: 31536000")).grace == .seconds(31_536_000))
    }

    // MARK: Environment

    @Test(arguments: ["''", "'1x'", "'x-y'", "'é'", "'A B'", "'A=B'", "'A\\n'"])
    func variable_isRefused_whereItsNameIsNone(key: String) {
        expect(.invalidName, in: command("environment: {▶\(key): 'x'}"))
    }

    @Test(arguments: ["PARLEY_PEER", "PARLEY_ADDRESS", "PARLEY_COMMAND", "PARLEY_", "PARLEY_X"])
    func variable_isRefused_whereItIsTheServers(key: String) {
        expect(.reservedName, in: command("environment: {▶\(key): 'x'}"))
    }

    @Test(arguments: ["▶[]", "▶'A=1'", "{A: ▶1}", "{A: ▶null}"])
    func environment_isRefused_whereItsTypeIsWrong(marked: String) {
        expect(.wrongType, in: command("environment: \(marked)"))
    }

    @Test func environment_isRefused_whereItRepeatsOrExceeds() {
        expect(.duplicateKey, in: command("environment: {A: 'x', ▶A: 'y'}"))
        let many = (0..<256).map { "A\($0): 'x'" }.joined(separator: ",")
        #expect(refusal(of: command("environment: {\(many)}")) == nil)
        expect(.tooMany, in: command("environment: {\(many), ▶B: 'x'}"))
        expect(
            .invalidValue,
            in: command("environment: {A: ▶'\(String(repeating: "x", count: 131_072))'}"))
    }

    @Test func environment_holdsTextsAndArguments() throws {
        let program = try program(
            command(
                "environment: {TZ: 'UTC', PASSWORD: '{word}', BRACES: '{}', AGAIN: '{day}', parley: ''}, arguments: {word: {pattern: '.*', secret: true}, day: '[a-z]+'}",
                run: "['/bin/true', '{day}']"))
        // Those of 'run' come first, wherever the keys are.
        #expect(program.arguments.map(\.name) == ["day", "word"])
        var work = MatchingWork()
        let invocation = try program.invocation(for: ["mon", "{day} $x"], &work).get()
        #expect(invocation.arguments == ["mon"])
        #expect(
            invocation.environment == [
                "TZ": "UTC", "PASSWORD": "{day} $x", "BRACES": "{}", "AGAIN": "mon", "parley": "",
            ])
    }

    @Test func variable_isRefused_whereItsPlaceholderIsNotOne() {
        expect(.undefinedArgument, in: command("environment: {A: ▶'{x}'}"))
        expect(
            .invalidPlaceholder, in: command("environment: {A: ▶'x={x}'}, arguments: {x: 'x'}"))
    }

    @Test func limits_areRead() throws {
        let program = try program(
            command(
                "input: true, timeout: 0.25, output: 0x400, concurrency: 10000, perIdentity: 1, directory: '/tmp'"
            ))
        #expect(program.takesInput)
        #expect(program.timeout == .milliseconds(250))
        #expect(program.outputLimit == 1_024)
        #expect(program.concurrency == 10_000)
        #expect(program.perIdentity == 1)
        #expect(program.directory == "/tmp")
        let most = try CommandsTests.program(
            command("timeout: 31536000, output: 1125899906842624"))
        #expect(most.timeout == .seconds(31_536_000))
        #expect(most.outputLimit == 1 << 50)
    }

    // MARK: Placeholders

    @Test(arguments: [
        "[▶'{x}']", "['/bin/true',▶'--x={x}']", "['/bin/true',▶'{x}y']", "['/bin/true',▶'{x}{x}']",
        "[▶'/bin/{x}']", "['/bin/true',▶'{{x}}']", "['/bin/true',▶' {x}']",
        "['/bin/true',▶'{a{x}']",
    ])
    func placeholder_isRefused_whereItIsNotAWholeArgument(run: String) {
        expect(.invalidPlaceholder, in: command("arguments: {x: '.*'}", run: run))
    }

    @Test(arguments: ["{}", "{1x}", "{x", "x}", "{ x }", "{x-y}", "}{", "{print $1}", "{é}"])
    func braces_areThemselves_whereTheyHoldNoName(text: String) throws {
        let program = try program(command("", run: "['/bin/true', '\(text)']"))
        #expect(try program.argv(for: []).get() == [text])
    }

    @Test func placeholder_isRefused_withoutItsPattern() {
        expect(.undefinedArgument, in: command("", run: "['/bin/true', ▶'{x}']"))
        expect(
            .undefinedArgument, in: command("arguments: {y: 'y'}", run: "['/bin/true', ▶'{x}']"))
    }

    @Test func pattern_isRefused_withoutItsPlaceholder() {
        expect(.unusedArgument, in: command("arguments: {▶x: 'x'}"))
        expect(
            .unusedArgument,
            in: command("arguments: {y: 'y', ▶x: 'x', z: 'z'}", run: "['/bin/true', '{y}']"))
    }

    @Test(arguments: ["''", "'1x'", "'x-y'", "'é'", "'x y'", "'{x}'", "'x\\n'"])
    func argumentName_isRefused_whereItIsNone(key: String) {
        expect(.invalidName, in: command("arguments: {▶\(key): 'x'}"))
    }

    @Test func arguments_areAtMost64() throws {
        func text(_ names: [String], _ mark: String = "") -> String {
            let patterns = names.map { ($0 == "extra" ? mark : "") + "\($0): 'x'" }
            let words = names.map { ", '{\($0)}'" }.joined()
            return command(
                "arguments: {\(patterns.joined(separator: ","))}", run: "['/bin/true'\(words)]")
        }
        #expect(try program(text(Self.many)).arguments.map(\.name) == Self.many)
        let tooMany = text(Self.many + ["extra"], "▶")
        expect(.tooMany, in: tooMany)
    }

    @Test func arguments_areInTheOrderOfTheirFirstUse() throws {
        let entry = try #require(
            try table(
                command(
                    "arguments: {a: 'a*', b: {pattern: 'b*', secret: true}, c: {pattern: 'c*'}}",
                    run: "['/bin/true', '{c}', '-x', '{a}', '{c}', '{b}']"))["c"])
        #expect(entry.usage == "c {c} {a} {b: secret}")
        guard case .program(let program) = entry.action else { throw NoProgram() }
        #expect(program.arguments.map(\.name) == ["c", "a", "b"])
        #expect(program.arguments.map(\.pattern) == ["c*", "a*", "b*"])
        #expect(program.arguments.map(\.isSecret) == [false, false, true])
        #expect(
            try program.argv(for: ["cc", "a", ""]).get() == ["cc", "-x", "a", "cc", ""])
    }
}
