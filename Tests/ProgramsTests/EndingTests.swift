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
    // MARK: By itself

    @Test func output_isWhole_whereALeftProcessWritesIt() async throws {
        let result = try await run("(sleep 0.3; echo late; echo more >&2) & echo early")
        #expect(result.output == "early\nlate\n")
        #expect(result.errorOutput == "more\n")
        #expect(result.end == .status(0))
        #expect(result.leftEnded == 0)
    }

    @Test func output_isWhole_afterAProcessSubstitution() async throws {
        let result = try await onLoop { loop in
            try await Running(
                shell("exec > >(sleep 0.1; cat) 2>&1; echo one; echo two", by: "/bin/bash"),
                loop: loop
            ).result()
        }
        #expect(result.output == "one\ntwo\n")
        #expect(result.end == .status(0))
        #expect(result.leftEnded == 0)
    }

    @Test(arguments: [
        "sleep 1000", "setsid sleep 1000", "setsid setsid -f sleep 1000",
        "(trap '' HUP; exec sleep 1000)", "env -i setsid -f sleep 1000",
    ])
    func leftProcess_isEndedAfterTheExit(command: String) async throws {
        let result = try await run("\(command) >/dev/null 2>&1 & echo up; exit 3")
        #expect(result.output == "up\n")
        #expect(result.end == .status(3))
        #expect(result.courseWhenDone == .lingering)
        #expect(result.leftEnded == 1)
    }

    @Test func leftProcess_doesNotDelayTheExit_evenIfItIgnoresItsEnd() async throws {
        let result = try await run(
            "trap '' TERM; sleep 1000 >/dev/null 2>&1 & echo $!", grace: .seconds(0.4))
        #expect(result.courseWhenDone == .lingering)
        #expect(result.leftEnded == 1)
        #expect(!isAlive(try #require(result.output.numbers.first)))
    }

    @Test func leftProcessWithThePipe_isEndedWhenItsTimeIsOver() async throws {
        let result = try await run("sleep 1000 & echo $!; exit 4", grace: .seconds(0.3))
        #expect(result.end == .status(4))
        #expect(result.leftEnded == 1)
        #expect(!isAlive(try #require(result.output.numbers.first)))
    }

    @Test func leftProcess_livesOn_whereItMay() async throws {
        let result = try await onLoop { loop in
            try await Running(
                shell("sleep 1000 >/dev/null 2>&1 & echo $!", isBackground: true), loop: loop
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
                shell("sleep 1000 & echo $!", grace: .seconds(0.2), isBackground: true), loop: loop
            ).result()
        }
        let left = try #require(result.output.numbers.first)
        #expect(isAlive(left))
        #expect(result.end == .status(0))
        kill(left, SIGKILL)
    }

    // MARK: By us

    /// The program is a shell that dies at once, or hands the signal to nobody.
    @Test(arguments: ["", "setsid ", "timeout 100 ", "setsid -f "])
    func everyProcess_hasTheGraceTime(prefix: String) async throws {
        let inner =
            "trap 'sleep 0.3; echo cleaned; exit' TERM; echo up; while :; do sleep 0.05; done"
        let result = try await onLoop { loop in
            let running = try await Running(
                shell("\(prefix)sh -c \"\(inner)\"; sleep 1000; true"), loop: loop)
            _ = await running.line()
            running.program.terminate()
            return await running.result()
        }
        #expect(result.output == "up\ncleaned\n")
        #expect(result.end == .signal(UInt8(SIGTERM)))
    }

    @Test func stoppedProgram_hearsOfItsEnd() async throws {
        let result = try await onLoop { loop in
            let running = try await Running(
                shell("trap 'echo trapped; exit 3' TERM; echo up; kill -STOP $$"), loop: loop)
            _ = await running.line()
            try await eventually("the program stops") { state(of: running.pid) == "T" }
            running.program.terminate()
            return await running.result()
        }
        #expect(result.output == "up\ntrapped\n")
        #expect(result.end == .status(3))
    }

    @Test func everyProcess_isKilled_inWhateverSessionItIs() async throws {
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
                    """, grace: .seconds(0.3)), loop: loop)
            await running.wait { running.text.numbers.count == 3 }
            running.program.terminate()
            return await running.result()
        }
        #expect(result.end == .signal(UInt8(SIGKILL)))
        #expect(result.output.numbers.count == 3)
        for pid in result.output.numbers { #expect(!isAlive(pid)) }
    }

    @Test func programThatIsLetGo_isKilledWithAllThatItStarted() async throws {
        let left = try await onLoop { loop in
            let running = try await Running(
                shell("trap '' TERM; setsid -f sleep 1000; sleep 1000 & echo $!; wait"),
                loop: loop)
            return (await running.line().numbers.first, running.pid)
        }
        // The keeper has its turn when the kernel gives it one.
        let child = try #require(left.0)
        // Its time goes to the keeper: a loop that only yields would take a core from it.
        try await eventually("both end", every: .milliseconds(5)) {
            !isAlive(left.1) && !isAlive(child)
        }
    }

    @Test func programWhoseExecHangs_isEndedBeforeItRuns() async throws {
        try await onLoop { loop in
            let exec = try HangingExec("#!/bin/sh\nexec sleep 1000\n")
            try await exec.hold()
            let bell = Bell()
            let program = try Program(
                ProgramStart(
                    path: exec.path, arguments: [], environment: [:], directory: "/",
                    takesInput: false, grace: .seconds(20)), ProgramPipes(takesInput: false),
                loop: loop
            ) { bell.ring() }
            program.terminate()
            while program.course != .over { await bell.wait() }
            #expect(program.failure == nil)
            #expect(program.end == .signal(UInt8(SIGTERM)))
        }
    }

    @Test func keeperThatIsKilled_takesTheProgramWithIt() async throws {
        let result = try await onLoop { loop in
            let running = try await Running(shell("echo $PPID; exec sleep 1000"), loop: loop)
            kill(try #require(await running.line().numbers.first), SIGKILL)
            return await running.result()
        }
        #expect(result.end == .signal(UInt8(SIGKILL)))
    }

    /// Its keeper may have the memory of an earlier one.
    @Test func nothingOfACommand_isToldOfTheNext() async throws {
        let (first, next) = try await onLoop { loop in
            let first = shell("sleep 1000 >/dev/null 2>&1 & exit 3")
            return try await (
                Running(first, loop: loop).result(), Running(shell("exit 0"), loop: loop).result()
            )
        }
        #expect(first.leftEnded == 1)
        #expect(next.end == .status(0))
        #expect(next.leftEnded == 0)
    }

    // MARK: What is left of it here

    @Test func noZombieIsKept_ofProgramsThatAreOver() async throws {
        let keepers = try await onLoop { loop in
            var keepers: [Int32] = []
            for number in 0..<200 {
                let result = try await Running(
                    shell(
                        "(sleep 0.001 >/dev/null 2>&1 &); echo $PPID; exit \(number % 100)"),
                    loop: loop
                ).result()
                guard result.end == .status(UInt8(number % 100)) else { throw WrongStatus() }
                keepers += result.output.numbers
            }
            // They say that all is over a moment before they end.
            try await eventually("the keepers end") { keepers.allSatisfy { state(of: $0) == nil } }
            return keepers.count
        }
        #expect(keepers == 200)
    }

    private struct WrongStatus: Error {}
}
