// What is said of a machine that lacks Landlock, and of a user's numbers.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import System

@Suite(.timeLimit(.minutes(1)))
struct LandlockTests {
    @Test func machine_thatHasNone_isToldWhy() {
        #expect(
            Landlock.missing(-ENOSYS) == [
                "Landlock is missing: the kernel is older than 5.13 or was built without it"
            ])
        #expect(Landlock.missing(-EOPNOTSUPP).first?.contains("switched off") == true)
        #expect(Landlock.missing(-EPERM).first?.contains("Operation not permitted") == true)
    }

    /// Each sentence with the first ABI that has what it misses.
    @Test(arguments: [(1, 3), (2, 3), (3, 2), (4, 1), (5, 1), (6, 0), (9, 0)] as [(Int32, Int)])
    func olderVersion_isToldWhatItLacks(version: Int32, count: Int) {
        #expect(Landlock.missing(version).count == count)
    }

    @Test func machine_thatCannotKeepSignalsIn_isToldWhy() {
        #expect((Landlock.signalsMissing == nil) == Landlock.scopesSignals)
        // What is told then is the last of what is missing.
        #expect(Landlock.missing(5).last?.contains("cannot restrict signals") == true)
        #expect(Landlock.missing(1).last?.contains("cannot restrict signals") == true)
        #expect(Landlock.missing(-ENOSYS).last?.contains("Landlock is missing") == true)
    }

    /// In a process of its own, which would be confined where it went wrong.
    @Test func process_withThreads_cannotCloseFilesAnyMore() async {
        await #expect(processExitsWith: .success) {
            do throws(ConfinementError) {
                _ = try Confinement.closeFiles()
                preconditionFailure("it was confined")
            } catch {
                precondition(error.code == .tooLate, error.sentence)
            }
        }
    }

    @Test func user_hasTheNumbersThatTheSystemHas() throws {
        let root = try #require(try UserNumbers(alone: "root"))
        #expect(root.user == 0 && root.group == 0 && root.groups.isEmpty)
        #expect(try KnownUser(name: "root")?.numbers.groups.contains(0) == true)
        #expect(try UserNumbers(alone: "no such user") == nil)
    }
}
