// Programs in control groups of their own, which are made and removed with them.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Sockets
import System
import Testing

@testable import Programs
@testable import TestSupport

@Suite(
    .timeLimit(.minutes(1)),
    .enabled(if: Groups.missing == nil, "no control groups can be made here"))
struct CommandGroupsTests {
    let own: Groups

    init() throws { own = try Groups() }

    private func start(
        _ script: String, grace: Duration = .seconds(20), isBackground: Bool = false
    ) -> ProgramStart {
        var start = shell(script, grace: grace, isBackground: isBackground)
        start.groups = own.groups
        return start
    }

    private func run(_ script: String, grace: Duration = .seconds(20)) async throws -> RunResult {
        let start = start(script, grace: grace)
        return try await onLoop { try await Running(start, loop: $0).result() }
    }

    // MARK: A command's life

    @Test func program_isInAGroupOfItsOwn_andItsKeeperIsNot() async throws {
        let script = "sed -n 's/^0:://p' /proc/self/cgroup /proc/$PPID/cgroup"
        var names: [String] = []
        for _ in 0..<2 {
            let lines = try await run(script).output.split(separator: "\n").map(String.init)
            #expect(lines.count == 2)
            #expect(lines[0].contains("/\(own.base.name)/parley-"))
            #expect(!lines[1].contains(own.base.name))
            names.append(lines[0])
        }
        #expect(names[0] != names[1])
        #expect(own.base.children.isEmpty)
    }

    /// As in a container whose filter of system calls refuses it.
    @Test func program_isInItsGroup_withoutClone3() async throws {
        let start = start("cat /proc/self/cgroup")
        let result = try await onLoop { loop in
            try forbid(.clone3)
            return try await Running(start, loop: loop).result()
        }
        #expect(result.output.contains(own.base.name))
        #expect(own.base.children.isEmpty)
    }

    /// Only until one was started in a group does a start look for the list of its processes.
    @Test func eachProgram_hearsOfItsEnd() async throws {
        let start = start("trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.01; done")
        for _ in 0..<2 {
            let result = try await onLoop { loop in
                let running = try await Running(start, loop: loop)
                _ = await running.line()
                running.program.terminate()
                return await running.result()
            }
            #expect(result.output == "up\nbye\n")
            #expect(result.end == .status(7))
        }
    }

    @Test(arguments: [("/no/such/program", "/"), ("/bin/true", "/no/such/folder")])
    func group_isRemoved_whereTheProgramCannotStart(path: String, folder: String) async throws {
        let start = ProgramStart(
            path: path, arguments: [], environment: [:], directory: folder, takesInput: false,
            groups: own.groups)
        await #expect(throws: StreamError.self) {
            try await onLoop { _ = try await Running(start, loop: $0) }
        }
        #expect(own.base.children.isEmpty)
    }

    @Test func program_doesNotStart_whereItsLimitsCannotBeInForce() async throws {
        guard Groups.controllers.isEmpty else { return }
        for limits in [ControlGroupLimits(memory: 1 << 26), ControlGroupLimits(processes: 5)] {
            var start = start("echo ran")
            start.limits = limits
            let which = start
            await #expect(throws: StreamError.self) {
                try await onLoop { _ = try await Running(which, loop: $0) }
            }
            #expect(own.base.children.isEmpty)
        }
    }

    // MARK: Its end

    /// They fork, make sessions and exit without end, so that who looks for them one by one is always late.
    @Test func runaways_areKilled() async throws {
        let start = start(
            """
            trap '' TERM
            for i in 1 2 3 4 5 6 7 8; do
              setsid -f sh -c 'f() { sleep 0.01; (f &); }; f' >/dev/null 2>&1
            done
            echo up; while :; do sleep 0.1; done
            """, grace: .milliseconds(300))
        let result = try await onLoop { loop in
            let running = try await Running(start, loop: loop)
            _ = await running.line()
            running.program.terminate()
            return await running.result()
        }
        #expect(result.end == .signal(UInt8(SIGKILL)))
        #expect(own.base.children.isEmpty)
    }

    /// What the keeper would never find: it was started by somebody else.
    @Test(arguments: [true, false])
    func whoeverWasPutIntoTheGroup_isKilled(isByOrder: Bool) async throws {
        let stranger = shell("sleep 1000 >/dev/null 2>&1 & echo $!", isBackground: true)
        let pid = try #require(
            try await onLoop { try await Running(stranger, loop: $0).result() }.output.numbers.first
        )
        let group = own.base
        var start = start("trap '' TERM; echo up; read line; exit 0", grace: .milliseconds(300))
        start.takesInput = true
        let how = start
        let result = try await onLoop { loop in
            let running = try await Running(how, loop: loop)
            _ = await running.line()
            try group.child(try #require(group.children.first)).write("\(pid)", to: "cgroup.procs")
            if isByOrder { running.program.terminate() } else { running.input?.finish() }
            return await running.result()
        }
        #expect(result.end == (isByOrder ? .signal(UInt8(SIGKILL)) : .status(0)))
        try await eventually("it ends") { !isAlive(pid) }
        try await eventually("its group is removed") {
            own.groups.tidy()
            return own.base.children.isEmpty
        }
    }

    /// Without a group what it had started would live on, of which nobody knows any more.
    @Test func allOfIt_isKilled_whereItsKeeperIs() async throws {
        let start = start("setsid -f sleep 1000; sleep 1000 & echo $PPID $!; wait")
        let left = try await onLoop { loop in
            let running = try await Running(start, loop: loop)
            let numbers = await running.line().numbers
            kill(numbers[0], SIGKILL)
            await running.wait { running.program.course == .over }
            #expect(running.program.end == .signal(UInt8(SIGKILL)))
            return numbers[1]
        }
        #expect(!isAlive(left))
        #expect(own.base.children.isEmpty)
    }

    @Test func backgroundProcess_keepsItsGroup_untilItEnds() async throws {
        let start = start("sleep 1000 >/dev/null 2>&1 & echo $!", isBackground: true)
        let result = try await onLoop { try await Running(start, loop: $0).result() }
        let left = try #require(result.output.numbers.first)
        #expect(own.base.children.count == 1)
        own.groups.tidy()
        #expect(isAlive(left))
        kill(left, SIGKILL)
        try await eventually("its group is removed") {
            own.groups.tidy()
            return own.base.children.isEmpty
        }
    }

    // MARK: What an earlier server left

    @Test func groupsThatWereLeft_areRemovedAtAStart() async throws {
        let names = ["parley-0", "parley-ffffffffffffffff", "parley-background-a1"]
        for name in names + ["parley-server", "parley-A", "other"] {
            try own.base.child(name).make()
        }
        // Its program, or another parleyd, has it still.
        let held = own.base.child("parley-1")
        try held.make()
        let folder = try held.hold()
        _ = Groups.groups(own.base)
        #expect(own.base.children.sorted() == ["other", "parley-1", "parley-A", "parley-server"])
        _ = consume folder
        // A child that another thread is about to start may have a copy of the lock until it is another program.
        try await eventually("the group that is not held any more is removed") {
            _ = Groups.groups(own.base)
            return own.base.children.sorted() == ["other", "parley-A", "parley-server"]
        }
    }

    @Test func processesThatWereLeft_areKilledAtAStart_unlessTheyMayLiveOn() async throws {
        var pids: [Int32] = []
        for name in ["parley-2", "parley-background-2"] {
            let group = own.base.child(name)
            try group.make()
            let start = shell(
                "sleep 1000 >/dev/null 2>&1 & echo $! >\(group.path)/cgroup.procs; echo $!",
                isBackground: true)
            pids += try await onLoop { try await Running(start, loop: $0).result() }.output.numbers
        }
        try #require(pids.count == 2)
        let groups = Groups.groups(own.base)
        try await eventually("what was left is removed") {
            groups.tidy()
            return own.base.children == ["parley-background-2"]
        }
        #expect(!isAlive(pids[0]) && isAlive(pids[1]))
        kill(pids[1], SIGKILL)
        try await eventually("what lived on is removed") {
            groups.tidy()
            return own.base.children.isEmpty
        }
    }
}
