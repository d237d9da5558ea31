// What is over the limits of its control group: ended, told truly, and gone.
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
struct GroupLimitTests {
    let own: Groups

    init() throws { own = try Groups() }

    /// What came of it, and which limits it has reached.
    ///
    /// - Parameter file: of its group's: when that has a line for `key` with a number above 0 it is ended.
    private func run(
        _ script: String, by path: String = "/bin/sh", _ limits: ControlGroupLimits,
        grace: Duration = .seconds(20),
        until file: String? = nil, _ key: String = ""
    ) async throws -> (result: RunResult, reached: Set<Controller>) {
        var start = shell(script, by: path, grace: grace)
        (start.groups, start.limits) = (own.groups, limits)
        let (how, base) = (start, own.base)
        return try await onLoop { loop in
            let running = try await Running(how, loop: loop)
            if let file {
                try await eventually("\(key) of \(file)", every: .milliseconds(5)) {
                    let group = base.children.first.map(base.child)
                    return group?.read(file)?.split(separator: "\n").contains {
                        $0.hasPrefix("\(key) ") && $0 != "\(key) 0"
                    } == true
                }
                running.program.terminate()
            }
            return (await running.result(), running.program.reached)
        }
    }

    private static let mebibyte = 1 << 20

    // MARK: Memory

    /// Its parent as well: half of a command would be told as whole.
    @Test(.enabled(if: Groups.controllers.contains(.memory), "no controller for memory here"))
    func memoryEater_isEndedWithItsCommand() async throws {
        let eater = "perl -e '$_ = \"x\" x 268435456; print length' & wait; echo on; sleep 1000"
        let (result, reached) = try await run(eater, .init(memory: 64 * Self.mebibyte))
        #expect(result.end == .signal(UInt8(SIGKILL)))
        #expect(result.output == "")
        #expect(reached == [.memory])
        #expect(own.base.children.isEmpty)
    }

    @Test(.enabled(if: Groups.controllers.contains(.memory), "no controller for memory here"))
    func programWithinItsMemory_isLeftAlone() async throws {
        let (result, reached) = try await run(
            "cat /proc/self/cgroup >/dev/null; echo fine", .init(memory: 64 * Self.mebibyte))
        #expect(result.output == "fine\n")
        #expect(reached.isEmpty)
        // Somebody kills it, and not for its memory.
        let killed = try await run("kill -9 $$", .init(memory: 64 * Self.mebibyte))
        #expect(killed.result.end == .signal(UInt8(SIGKILL)))
        #expect(killed.reached.isEmpty)
    }

    /// Until its exec it shares this process's memory, and who shares the memory of what is killed for lack of it is killed too.
    @Test(.enabled(if: Groups.controllers.contains(.memory), "no controller for memory here"))
    func programThatCannotEvenStart_takesNobodyAlong() async throws {
        for _ in 0..<20 {
            var start = ProgramStart(
                path: "/bin/true",
                arguments: Array(repeating: String(repeating: "x", count: 100_000), count: 15),
                environment: [:], directory: "/", takesInput: false)
            (start.groups, start.limits) = (own.groups, .init(memory: Self.mebibyte))
            let how = start
            _ = try await onLoop { loop in
                let bell = Bell()
                let program = try Program(how, ProgramPipes(takesInput: false), loop: loop) {
                    bell.ring()
                }
                while program.course != .over { await bell.wait() }
                return program.end
            }
            #expect(own.base.children.isEmpty)
        }
    }

    // MARK: Processes

    @Test(.enabled(if: Groups.controllers.contains(.pids), "no controller for processes here"))
    func forkBomb_staysWithinItsProcesses_andIsKilled() async throws {
        let (result, reached) = try await run(
            "trap '' TERM; bomb() { bomb | bomb & }; bomb 2>/dev/null; while :; do sleep 1; done",
            .init(processes: 40), grace: .milliseconds(500), until: "pids.events", "max")
        #expect(result.end == .signal(UInt8(SIGKILL)))
        #expect(reached == [.pids])
        #expect(own.base.children.isEmpty)
    }

    @Test(.enabled(if: Groups.controllers.contains(.pids), "no controller for processes here"))
    func processes_areCountedWithoutTheKeeper() async throws {
        let (result, reached) = try await run("echo one", .init(processes: 1))
        #expect(result.output == "one\n")
        #expect(reached.isEmpty)
        let (more, over) = try await run("/bin/true; echo $?", .init(processes: 1))
        #expect(more.output != "0\n")
        #expect(over == [.pids])
    }

    // MARK: Processor

    @Test(.enabled(if: Groups.controllers.contains(.cpu), "no controller for the processor here"))
    func programThatOnlyRuns_getsItsShare() async throws {
        // The kernel counts how often it had to wait.
        let (result, reached) = try await run(
            "while :; do :; done", .init(cpu: 0.1), until: "cpu.stat", "nr_throttled")
        #expect(result.end == .signal(UInt8(SIGTERM)))
        #expect(reached.isEmpty)
    }
}
