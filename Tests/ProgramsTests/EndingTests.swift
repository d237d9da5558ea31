// The end of all that a program started: who has time, who is ended, and who may live on.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Sockets
import System
import Testing

@testable import Programs
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct EndingTests {
    private let own: Groups?

    init() throws { own = try Groups.warded() }

    private func shell(
        _ script: String, by path: String = "/bin/sh", grace: Duration = .seconds(20),
        _ holder: Holder
    ) -> ProgramStart {
        holder.held(
            ProgramsTests.shell(script, by: path, grace: grace), in: own?.groups)
    }

    private func run(
        _ script: String, grace: Duration = .seconds(20), _ holder: Holder
    ) async throws -> RunResult {
        let start = shell(script, grace: grace, holder)
        return try await onLoop { try await Running(start, loop: $0).result() }
    }

    // MARK: By itself

    @Test(arguments: Holder.all)
    func output_isWhole_whereALeftProcessWritesIt(by holder: Holder) async throws {
        let result = try await run(
            "(sleep 0.3; echo late; echo more >&2) & echo early", holder)
        #expect(result.output == "early\nlate\n")
        #expect(result.errorOutput == "more\n")
        #expect(result.end == .status(0))
        #expect(result.leftEnded == 0)
    }

    @Test(arguments: Holder.all)
    func output_isWhole_afterAProcessSubstitution(by holder: Holder) async throws {
        let result = try await onLoop { loop in
            try await Running(
                shell("exec > >(sleep 0.1; cat) 2>&1; echo one; echo two", by: "/bin/bash", holder),
                loop: loop
            ).result()
        }
        #expect(result.output == "one\ntwo\n")
        #expect(result.end == .status(0))
        #expect(result.leftEnded == 0)
    }

    @Test(
        arguments: [
            "sleep 1000", "setsid sleep 1000", "setsid setsid -f sleep 1000",
            "(trap '' HUP; exec sleep 1000)", "env -i setsid -f sleep 1000",
        ], Holder.all)
    func leftProcess_isEndedAfterTheExit(command: String, by holder: Holder) async throws {
        let result = try await run("\(command) >/dev/null 2>&1 & echo up; exit 3", holder)
        #expect(result.output == "up\n")
        #expect(result.end == .status(3))
        #expect(result.courseWhenDone == .lingering)
        #expect(result.leftEnded == 1)
    }

    @Test(arguments: Holder.all)
    func leftProcess_doesNotDelayTheExit_evenIfItIgnoresItsEnd(by holder: Holder) async throws {
        let result = try await run(
            "trap '' TERM; sleep 1000 >/dev/null 2>&1 & echo $!", grace: .seconds(0.4), holder)
        #expect(result.courseWhenDone == .lingering)
        #expect(result.leftEnded == 1)
        #expect(!isAlive(try #require(result.output.numbers.first)))
    }

    @Test(arguments: Holder.all)
    func leftProcessWithThePipe_isEndedWhenItsTimeIsOver(by holder: Holder) async throws {
        let result = try await run(
            "sleep 1000 & echo $!; exit 4", grace: .seconds(0.3), holder)
        #expect(result.end == .status(4))
        #expect(result.leftEnded == 1)
        #expect(!isAlive(try #require(result.output.numbers.first)))
    }

    @Test func leftProcess_livesOn_whereItMay() async throws {
        let result = try await onLoop { loop in
            try await Running(
                ProgramsTests.shell("sleep 1000 >/dev/null 2>&1 & echo $!", isBackground: true),
                loop: loop
            ).result()
        }
        let left = try #require(result.output.numbers.first)
        #expect(isAlive(left))
        #expect(result.leftEnded == 0)
        kill(left, SIGKILL)
    }

    @Test func leftProcessWithThePipe_livesOn_andHoldsNothingUp() async throws {
        let result = try await onLoop { loop in
            try await Running(
                ProgramsTests.shell(
                    "sleep 1000 & echo $!", grace: .seconds(0.2), isBackground: true), loop: loop
            ).result()
        }
        let left = try #require(result.output.numbers.first)
        #expect(isAlive(left))
        #expect(result.end == .status(0))
        kill(left, SIGKILL)
    }

    // MARK: By us

    /// The program is a shell that dies at once, or hands the signal to nobody.
    @Test(arguments: ["", "setsid ", "timeout 100 ", "setsid -f "], Holder.all)
    func everyProcess_hasTheGraceTime(prefix: String, by holder: Holder) async throws {
        let inner =
            "trap 'sleep 0.3; echo cleaned; exit' TERM; echo up; while :; do sleep 0.05; done"
        let result = try await onLoop { loop in
            let running = try await Running(
                shell("\(prefix)sh -c \"\(inner)\"; sleep 1000; true", holder), loop: loop)
            _ = await running.line()
            running.program.terminate()
            return await running.result()
        }
        #expect(result.output == "up\ncleaned\n")
        #expect(result.end == .signal(UInt8(SIGTERM)))
    }

    @Test(arguments: Holder.all)
    func stoppedProgram_hearsOfItsEnd(by holder: Holder) async throws {
        let result = try await onLoop { loop in
            let running = try await Running(
                shell("trap 'echo trapped; exit 3' TERM; echo up; kill -STOP $$", holder),
                loop: loop)
            _ = await running.line()
            try await eventually("the program stops") { state(of: running.pid) == "T" }
            running.program.terminate()
            return await running.result()
        }
        #expect(result.output == "up\ntrapped\n")
        #expect(result.end == .status(3))
    }

    @Test(arguments: Holder.all)
    func everyProcess_isKilled_inWhateverSessionItIs(by holder: Holder) async throws {
        let stubborn = "trap '' TERM HUP; echo \\$\\$; while :; do sleep 0.1; done"
        let result = try await onLoop { loop in
            let running = try await Running(
                shell(
                    """
                    trap '' TERM
                    sh -c "\(stubborn)" &
                    setsid sh -c "\(stubborn)" &
                    setsid -f sh -c "setsid -f sh -c \\"\(stubborn.replacing("$", with: "\\\\$"))\\""
                    while :; do sleep 0.1; done
                    """, grace: .seconds(0.3), holder), loop: loop)
            await running.wait { running.text.numbers.count == 3 }
            running.program.terminate()
            return await running.result()
        }
        #expect(result.end == .signal(UInt8(SIGKILL)))
        #expect(result.output.numbers.count == 3)
        for pid in result.output.numbers { #expect(!isAlive(pid)) }
    }

    @Test(arguments: Holder.all)
    func programThatIsLetGo_isKilledWithAllThatItStarted(by holder: Holder) async throws {
        try await onLoop { loop in
            let pids = try await pidsOfOneLetGo(by: holder, on: loop)
            // Its time goes to the keeper: a loop that only yields would take a core from it.
            try await eventually("both end", every: .milliseconds(5)) {
                pids.allSatisfy { state(of: $0) == nil }
            }
        }
    }

    private func pidsOfOneLetGo(by holder: Holder, on loop: EventLoop) async throws -> [Int32] {
        let running = try await Running(
            shell("trap '' TERM; setsid -f sleep 1000; sleep 1000 & echo $!; wait", holder),
            loop: loop)
        return [running.pid, try #require(await running.line().numbers.first)]
    }

    @Test(arguments: Holder.all)
    func programWhoseExecHangs_isEndedBeforeItRuns(by holder: Holder) async throws {
        let groups = own?.groups
        try await onLoop { loop in
            let exec = try HangingExec("#!/bin/sh\nexec sleep 1000\n")
            try await exec.hold()
            let bell = Bell()
            let start = ProgramStart(
                path: exec.path, arguments: [], environment: [:], directory: "/",
                takesInput: false, grace: .seconds(20))
            let program = try Program(
                holder.held(start, in: groups), ProgramPipes(takesInput: false), loop: loop
            ) { bell.ring() }
            program.terminate()
            while program.course != .over { await bell.wait() }
            #expect(program.failure == nil)
            #expect(program.end == .signal(UInt8(SIGTERM)))
        }
    }

    @Test func keeperThatIsKilled_takesTheProgramWithIt() async throws {
        let result = try await onLoop { loop in
            let running = try await Running(
                ProgramsTests.shell("echo $PPID; exec sleep 1000"), loop: loop)
            kill(try #require(await running.line().numbers.first), SIGKILL)
            return await running.result()
        }
        #expect(result.end == .signal(UInt8(SIGKILL)))
    }

    /// Its keeper may have the memory of an earlier one.
    @Test(arguments: Holder.all)
    func nothingOfACommand_isToldOfTheNext(by holder: Holder) async throws {
        let (first, next) = try await onLoop { loop in
            let first = shell("sleep 1000 >/dev/null 2>&1 & exit 3", holder)
            return try await (
                Running(first, loop: loop).result(),
                Running(shell("exit 0", holder), loop: loop).result()
            )
        }
        #expect(first.leftEnded == 1)
        #expect(next.end == .status(0))
        #expect(next.leftEnded == 0)
    }

    // MARK: What is left of it here

    @Test(arguments: Holder.all)
    func noZombieIsKept_ofProgramsThatAreOver(by holder: Holder) async throws {
        // The kernel reports within some ten milliseconds that a group is empty.
        let count = holder == .keeper ? 200 : 40
        let (programs, keepers) = try await onLoop { loop in
            var programs: [Int32] = []
            var keepers: [Int32] = []
            for number in 0..<count {
                let line = "(sleep 0.001 >/dev/null 2>&1 &); echo $$ $PPID; exit \(number % 100)"
                let result = try await Running(shell(line, holder), loop: loop).result()
                guard result.end == .status(UInt8(number % 100)) else { throw WrongStatus() }
                let numbers = result.output.numbers
                programs.append(numbers[0])
                if numbers[1] != getpid() { keepers.append(numbers[1]) }
            }
            // They say that all is over a moment before they end.
            try await eventually("the keepers end") {
                (programs + keepers).allSatisfy { state(of: $0) == nil }
            }
            return (programs.count, keepers.count)
        }
        #expect(programs == count)
        #expect(keepers == (holder == .keeper ? count : 0))
        #expect(own?.areEmpty ?? true)
    }

    private struct WrongStatus: Error {}
}
