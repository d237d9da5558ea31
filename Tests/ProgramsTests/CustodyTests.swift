// Programs without keepers: which, what they are told, and that nothing of them is left.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Sockets
import System
import Testing

@testable import Programs
@testable import TestSupport

@Suite(
    .timeLimit(.minutes(1)),
    .enabled(if: Holder.missing == nil, "no group can hold a program alone here"))
struct CustodyTests {
    let own: Groups

    init() throws { own = try #require(try Groups.warded()) }

    private func start(
        _ script: String, grace: Duration = .seconds(20), takesInput: Bool = false
    ) -> ProgramStart {
        Holder.group.held(
            shell(script, takesInput: takesInput, grace: grace), in: own.groups)
    }

    private func run(_ start: ProgramStart) async throws -> RunResult {
        try await onLoop { try await Running(start, loop: $0).result() }
    }

    // MARK: Which

    private func hasKeeper(_ start: ProgramStart) async throws -> Bool {
        let numbers = try await run(start).output.numbers
        return try #require(numbers.first) != getpid()
    }

    @Test func program_hasNoKeeper_whereItsGroupHoldsIt() async throws {
        #expect(try await !hasKeeper(start("echo $PPID")))
        #expect(try await run(start("cat /proc/self/cgroup")).output.contains(own.base.name))
        #expect(own.areEmpty)
    }

    @Test func group_isUsedAgain_unlessSomethingIsInIt() async throws {
        let line = start("sed -n 's/^0:://p' /proc/self/cgroup")
        var names: [String] = []
        for _ in 0..<3 { names.append(try await run(line).output) }
        #expect(Set(names).count == 1)
        // Whoever is put there while nobody uses it.
        let stranger = shell("sleep 1000 >/dev/null 2>&1 & echo $!", isBackground: true)
        let pid = try #require(try await run(stranger).output.numbers.first)
        let kept = own.base.child(try #require(own.base.children.first))
        try kept.write("\(pid)", to: "cgroup.procs")
        #expect(try await run(line).output != names[0])
        try await eventually("it ends") { !isAlive(pid) }
        // Or it is removed.
        for name in own.base.children { try own.base.child(name).remove() }
        #expect(try await run(line).output.contains(own.base.name))
        own.groups.removeSpares()
        #expect(own.base.children.isEmpty)
    }

    /// Where kernels kill whatever is cloned into a group that was killed before.
    @Test func group_isNotUsedAgain_whereItWasKilled() async throws {
        let groups = own.groups
        try await onLoop { loop in
            let start = Holder.group.held(
                shell("trap '' TERM; echo up; while :; do sleep 0.05; done", grace: .zero),
                in: groups)
            let running = try await Running(start, loop: loop)
            _ = await running.line()
            running.program.terminate()
            #expect(await running.result().end == .signal(UInt8(SIGKILL)))
        }
        #expect(own.base.children.isEmpty)
        #expect(try await run(start("echo on")).output == "on\n")
    }

    @Test func group_isNotUsedAgain_whereItHasLimits() async throws {
        guard let controller = Groups.controllers.first(where: { $0 != .memory }) else { return }
        var line = start("cat /proc/self/cgroup")
        line.limits = controller == .cpu ? .init(cpu: 1) : .init(processes: 20)
        _ = try await run(line)
        #expect(own.base.children.isEmpty)
    }

    /// Each of them could leave its group, or may outlive this process.
    @Test func program_hasAKeeper_whereItsGroupAloneWouldNotHoldIt() async throws {
        let start = start("echo $PPID")
        let changes: [(String, (inout ProgramStart) -> Void)] = [
            ("as root", { $0.rights?.user = UserNumbers(user: 0, group: 0) }),
            ("as this process's user", { $0.rights?.user = nil }),
            ("without rights of its own", { $0.rights = nil }),
            ("that may gain rights", { $0.rights?.mayGain = true }),
            ("that may leave something", { $0.isBackground = true }),
            ("without a group", { $0.groups = nil }),
        ]
        for (which, change) in changes {
            var changed = start
            change(&changed)
            #expect(try await hasKeeper(changed), "\(which)")
        }
        own.groups.isWarded = false
        #expect(try await hasKeeper(start), "without a warden")
    }

    @Test func program_hasAKeeper_whereItsUserOwnsTheGroups() async throws {
        let file = own.base.path + "/cgroup.procs"
        #expect(unsafe chown(file, Holder.user.user, 0) == 0)
        let again = Groups.groups(own.base)
        again.isWarded = true
        var start = start("echo $PPID")
        start.groups = again
        #expect(try await hasKeeper(start))
        #expect(unsafe chown(file, 0, 0) == 0)
        #expect(unsafe chmod(file, 0o664) == 0)
        let open = Groups.groups(own.base)
        open.isWarded = true
        start.groups = open
        #expect(try await hasKeeper(start))
    }

    /// As in a container whose filter of system calls refuses it.
    @Test func program_hasAKeeper_withoutClone3() async throws {
        let start = start("echo $PPID; cat /proc/self/cgroup")
        let result = try await onLoop { loop in
            try forbid(.clone3)
            return try await Running(start, loop: loop).result()
        }
        #expect(result.output.numbers.first != getpid())
        #expect(result.output.contains(own.base.name))
        #expect(!own.groups.isWarded)
        #expect(own.areEmpty)
    }

    // MARK: Its start

    @Test(arguments: [
        ("/no/such/program", "/", "No such file"), ("/bin/true", "/no/such/folder", "No such file"),
        ("/etc/shadow", "/", "Permission denied"),
    ])
    func program_thatCannotStart_isToldAsSuch(
        path: String, folder: String, reason: String
    ) async throws {
        let start = Holder.group.held(
            ProgramStart(
                path: path, arguments: [], environment: [:], directory: folder, takesInput: false),
            in: own.groups)
        let sentence = try await onLoop { loop in
            do throws(StreamError) {
                _ = try await Running(start, loop: loop)
                return "it started"
            } catch {
                return error.sentence
            }
        }
        #expect(sentence.contains("cannot start \(path)"))
        #expect(sentence.contains(reason))
        #expect(own.areEmpty)
    }

    @Test func program_thatTakesInput_isToldToRun() async throws {
        let start = start("read line; echo got $line", takesInput: true)
        let result = try await onLoop { loop in
            let running = try await Running(start, loop: loop)
            #expect(running.program.course == .running)
            running.input?.write([UInt8]("this\n".utf8).span)
            return await running.result()
        }
        #expect(result.output == "got this\n")
    }

    /// While its exec hangs it is not said to run, and it can be ended; and nobody else is held up.
    @Test func program_whoseExecHangs_holdsNobodyUp() async throws {
        let groups = own.groups
        let start = start("echo on")
        try await onLoop { loop in
            let exec = try HangingExec("#!/bin/sh\necho ran\n")
            try await exec.hold()
            let bell = Bell()
            let hanging = Holder.group.held(
                ProgramStart(
                    path: exec.path, arguments: [], environment: [:], directory: "/",
                    takesInput: true, grace: .milliseconds(100)), in: groups)
            let program = try Program(
                hanging, ProgramPipes(takesInput: true), loop: loop
            ) { bell.ring() }
            #expect(try await Running(start, loop: loop).result().output == "on\n")
            #expect(program.pid == nil && program.course == .running)
            exec.letGo()
            while program.pid == nil { await bell.wait() }
            while program.course != .over { await bell.wait() }
            #expect(program.end == .status(0))
        }
    }

    // MARK: Its end

    /// In sessions of their own, forked twice, or deaf to SIGTERM.
    @Test func whateverItLeaves_isEndedAndCounted() async throws {
        let result = try await run(
            start(
                """
                setsid sleep 1000 >/dev/null 2>&1 &
                (setsid -f sh -c '(sleep 1000 &)' >/dev/null 2>&1)
                sh -c 'trap "" TERM HUP; while :; do sleep 0.05; done' >/dev/null 2>&1 &
                sleep 0.2; exit 5
                """, grace: .milliseconds(300)))
        #expect(result.end == .status(5))
        #expect(result.courseWhenDone == .lingering)
        // The deaf one has a child most of the time.
        #expect((3...4).contains(result.leftEnded))
        #expect(own.areEmpty)
    }

    @Test func whoeverWasPutIntoTheGroup_isKilled() async throws {
        let stranger = shell("sleep 1000 >/dev/null 2>&1 & echo $!", isBackground: true)
        let pid = try #require(try await run(stranger).output.numbers.first)
        let group = own.base
        let start = start("echo up; read line; exit 0", grace: .milliseconds(300), takesInput: true)
        let result = try await onLoop { loop in
            let running = try await Running(start, loop: loop)
            _ = await running.line()
            try group.child(try #require(group.children.first)).write("\(pid)", to: "cgroup.procs")
            running.input?.finish()
            return await running.result()
        }
        #expect(result.end == .status(0))
        #expect(result.leftEnded == 1)
        #expect(!isAlive(pid))
        #expect(own.areEmpty)
    }

    @Test(.enabled(if: Groups.controllers.contains(.pids), "no controller for processes here"))
    func processes_areLimited() async throws {
        var start = start("/bin/true; echo $PPID")
        start.limits.processes = 1
        let how = start
        let reached = try await onLoop { loop in
            let running = try await Running(how, loop: loop)
            _ = await running.result()
            return running.program.reached
        }
        #expect(reached == [.pids])
    }

    /// As process 1 must, which inherits any process.
    @Test func status_isKept_whereSomebodyElseReaps() async {
        await #expect(processExitsWith: .success) {
            let own = try Groups.warded()!
            try await onLoop { loop in
                for number in 0..<50 {
                    let start = Holder.group.held(shell("exit \(number)"), in: own.groups)
                    let running = try await Running(start, loop: loop)
                    let limit = Moment.now + .seconds(20)
                    while state(of: running.pid) == "R" || state(of: running.pid) == "S" {
                        precondition(Moment.now < limit)
                    }
                    Program.reapOrphans()
                    let end = await running.result().end
                    precondition(end == .status(UInt8(number)))
                }
            }
        }
    }

    @Test func programs_areGoneWhenAllAreKilled() async {
        await #expect(processExitsWith: .success) {
            let own = try Groups.warded()!
            try await onLoop { loop in
                var pids: [Int32] = []
                for _ in 0..<4 {
                    let start = Holder.group.held(
                        shell("trap '' TERM; sleep 1000 & echo $!; wait"), in: own.groups)
                    let running = try await Running(start, loop: loop)
                    pids += [running.pid, try #require(await running.line().numbers.first)]
                }
                Program.killAll()
                precondition(pids.allSatisfy { !isAlive($0) })
                precondition(own.areEmpty)
            }
        }
    }
}
