// Whose rights a program has.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Sockets
import System
import Testing

@testable import Programs
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct RightsTests {
    @Test func rights_areThisProcesss_whereNoneAreGiven() async throws {
        #expect(try await status(nil, "NoNewPrivs") == status(of: "NoNewPrivs"))
        #expect(try await status(nil, "CapBnd") == status(of: "CapBnd"))
    }

    @Test func program_hasNoCapability_andGainsNone() async throws {
        #expect(try await status(ProgramRights(), "NoNewPrivs") == "1")
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            #expect(try await status(ProgramRights(), set) == none)
        }
        // By the shell's exec, which would give root all that the bounding set has.
        #expect(try await status(ProgramRights(), "CapBnd") == status(of: "CapBnd"))
    }

    /// Where a unit's filter refuses the call by which they are given up (systemd's @privileged).
    @Test func program_startsWithoutCapabilities_whereNobodyMayGiveThemUp() async throws {
        let rights = isRoot ? another : ProgramRights()
        let output = try await onLoop { loop in
            try forbid(.capset)
            var start = shell("exec cat /proc/self/status")
            start.rights = rights
            return try await Running(start, loop: loop).result().output
        }
        #expect(fields(of: output)["CapEff"] == none)
    }

    @Test func program_thatMayGain_isNotKeptFromIt() async throws {
        let rights = ProgramRights(mayGain: true)
        #expect(try await status(rights, "NoNewPrivs") == status(of: "NoNewPrivs"))
        #expect(try await status(rights, "CapBnd") == status(of: "CapBnd"))
        // Root's are what root is; anybody else's are gone.
        let (program, own) = (try await status(rights, "CapEff"), try status(of: "CapEff"))
        #expect(program == (isRoot ? own : none))
    }

    @Test(
        .enabled(
            if: Landlock.scopesSignals,
            "this machine's Landlock has no scope for signals, so that it can't be tried"))
    func program_signalsNobodyElse() async throws {
        let script = """
            kill -0 \(getpid()) 2>/dev/null || echo not these tests
            kill -0 $PPID 2>/dev/null || echo not its keeper
            sleep 100 & kill -9 $! && echo its own
            kill -0 $$ && echo itself
            cat /etc/hostname >/dev/null && echo a file
            """
        let result = try await run(script, with: ProgramRights())
        #expect(
            result.output.split(separator: "\n") == [
                "not these tests", "not its keeper", "its own", "itself", "a file",
            ])
    }

    /// A signal from outside reaches in.
    @Test(arguments: [ProgramRights(), ProgramRights(mayGain: true)])
    func program_isEnded(rights: ProgramRights) async throws {
        let result = try await run("kill -0 $$; (sleep 1000 &); exec sleep 1000", with: rights) {
            $0.terminate()
        }
        #expect(result.end == .signal(UInt8(SIGTERM)))
    }

    @Test func program_endsWithItsKeeper_asAnyOther() async throws {
        try await endsWithItsKeeper(ProgramRights())
    }

    // MARK: As root

    @Test(.enabled(if: isRoot, "only root can start a program as another user"))
    func user_isAnotherForGood() async throws {
        let result = try await run("exec cat /proc/self/status", with: another)
        let fields = fields(of: result.output)
        #expect(fields["Uid"] == "61001 61001 61001 61001")
        #expect(fields["Gid"] == "61002 61002 61002 61002")
        #expect(fields["Groups"] == "61003 61004")
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] { #expect(fields[set] == none) }
        #expect(fields["NoNewPrivs"] == "1")
    }

    @Test(.enabled(if: isRoot, "only root can start a program as another user"))
    func user_thatMayGain_hasItsBoundsButNoCapability() async throws {
        var rights = another
        rights.mayGain = true
        let fields = fields(of: try await run("exec cat /proc/self/status", with: rights).output)
        #expect(fields["Uid"] == "61001 61001 61001 61001")
        #expect(try fields["CapBnd"] == status(of: "CapBnd"))
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] { #expect(fields[set] == none) }
    }

    /// The kernel forgets that wish when the user changes.
    @Test(.enabled(if: isRoot, "only root can start a program as another user"))
    func user_endsWithItsKeeper() async throws { try await endsWithItsKeeper(another) }

    /// While the program has this process's memory and another user's number. By default the kernel
    /// closes it as well; where `fs.suid_dumpable` is set it opens it.
    @Test(.enabled(if: isRoot, "only root can start a program as another user"))
    func memory_staysClosed_whenTheUserChanges() async {
        await #expect(processExitsWith: .success) {
            sealMemory()
            _ = try await run("exit 0", with: another)
            let isDumpable = control(3, 0, 0, 0, 0)
            precondition(isDumpable == 0, "\(isDumpable)")
        }
    }

    @Test(.enabled(if: isRoot, "only root can start a program as another user"))
    func directory_isReachedAsTheUser() async throws {
        let folder = try TemporaryFolder()
        do throws(StreamError) {
            let result = try await runStream("pwd", with: another, directory: folder.path)
            Issue.record("it ran: \(result)")
        } catch {
            #expect(error.sentence.contains("Permission denied"))
        }
    }

    @Test(.enabled(if: !isRoot, "root can start a program as another user"))
    func user_thatCannotBeTaken_isToldWithTheReason() async throws {
        do throws(StreamError) {
            let result = try await runStream("pwd", with: another)
            Issue.record("it ran: \(result)")
        } catch {
            #expect(error.sentence.contains("it cannot be given the rights"))
            #expect(error.sentence.contains("Operation not permitted"))
        }
    }

    private func endsWithItsKeeper(_ rights: ProgramRights) async throws {
        let pid = try await onLoop { loop in
            var start = shell("echo $PPID; exec sleep 1000")
            start.rights = rights
            let running = try await Running(start, loop: loop)
            let keeper = Int32(await running.line()) ?? 0
            kill(keeper, SIGKILL)
            _ = await running.result()
            return running.pid
        }
        let limit = Moment.now + .seconds(20)
        while isAlive(pid), Moment.now < limit { try await Task.sleep(for: .milliseconds(5)) }
        #expect(!isAlive(pid))
    }
}

private let isRoot = geteuid() == 0
private let none = "0000000000000000"
private let another = ProgramRights(
    user: UserNumbers(user: 61_001, group: 61_002, groups: [61_003, 61_004]))

/// prctl(2), which is variadic, so that Swift does not import it.
private func control(_ what: Int32, _ a: UInt, _ b: UInt, _ c: UInt, _ d: UInt) -> Int32 {
    typealias Control = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32
    guard let symbol = unsafe dlsym(nil, "prctl") else { return -1 }
    return unsafe unsafeBitCast(symbol, to: Control.self)(what, a, b, c, d)
}

private func run(
    _ script: String, with rights: ProgramRights?,
    _ meanwhile: @escaping @Sendable (Program) -> Void = { _ in }
) async throws -> RunResult {
    try await onLoop { loop in
        var start = shell(script)
        start.rights = rights
        let running = try await Running(start, loop: loop)
        meanwhile(running.program)
        return await running.result()
    }
}

/// The same, where it may not start.
private func runStream(
    _ script: String, with rights: ProgramRights, directory: String = "/"
) async throws(StreamError) -> RunResult {
    do {
        return try await onLoop { loop in
            var start = shell(script, directory: directory)
            start.rights = rights
            return try await Running(start, loop: loop).result()
        }
    } catch let error as StreamError {
        throw error
    } catch {
        throw StreamError("\(error)", errno: ETIMEDOUT)
    }
}

/// A field of what the kernel says of the program.
private func status(_ rights: ProgramRights?, _ field: String) async throws -> String? {
    fields(of: try await run("exec cat /proc/self/status", with: rights).output)[field]
}

/// The same of this process.
private func status(of field: String) throws -> String? {
    let bytes = Descriptor(owning: unsafe open("/proc/self/status", O_RDONLY)).contents()
    return fields(of: String(decoding: bytes, as: UTF8.self))[field]
}

private func fields(of status: String) -> [String: String] {
    var fields: [String: String] = [:]
    for line in status.split(separator: "\n") {
        let parts = line.split(separator: ":", maxSplits: 1)
        fields[String(parts[0])] = parts.dropFirst().first.map {
            $0.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        }
    }
    return fields
}
