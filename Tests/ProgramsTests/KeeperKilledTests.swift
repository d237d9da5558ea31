// A keeper that its own program kills.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import System
import Testing

@testable import Programs
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct KeeperKilledTests {
    /// Often before the keeper could say that the program runs: what ran must not pass for never started.
    @Test func program_thatKillsItsKeeper_wasStarted() async throws {
        for _ in 0..<50 {
            let result = try await run("kill -9 $PPID; exec sleep 1000")
            #expect(result.end == .signal(UInt8(SIGKILL)))
        }
    }

    /// Also those whose keepers nobody has any more.
    @Test func programsThatWereLetGo_areGoneWhenAllAreKilled() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                for _ in 0..<10 {
                    var pids: [Int32] = []
                    for _ in 0..<4 {
                        pids.append(try await Running(shell("sleep 1000; :"), loop: loop).pid)
                    }
                    Program.killAll()
                    precondition(pids.allSatisfy { !isAlive($0) })
                }
            }
        }
    }

    @Test func programs_canBeWatched_whereTheseTestsRun() {
        #expect(Program.canBeWatched)
    }
}
