// A keeper that its own program kills.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import System
import Testing

@testable import Programs

@Suite(.timeLimit(.minutes(1)))
struct KeeperKilledTests {
    /// Often before the keeper could say that the program runs: what ran must not pass for never started.
    @Test func program_thatKillsItsKeeper_wasStarted() async throws {
        for _ in 0..<50 {
            let result = try await run("kill -9 $PPID; exec sleep 1000")
            #expect(result.end == .signal(UInt8(SIGKILL)))
        }
    }

    @Test func programs_canBeWatched_whereTheseTestsRun() {
        #expect(Program.canBeWatched)
    }
}
