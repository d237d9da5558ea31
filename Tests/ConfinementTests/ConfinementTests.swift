// The network process's confinement: what it must not be able to do, and what it must.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import System
import Testing

@testable import TestSupport

@Suite(
    .timeLimit(.minutes(1)),
    .disabled(if: Machine.hasThreadSanitizer, "ThreadSanitizer has a thread that sleeps"))
struct ConfinementTests {
    // MARK: What it must not do

    @Test(
        .enabled(
            if: Machine.landlock > 0, "this machine has no Landlock, so that it can't be tried"),
        arguments: Attempt.all.filter { $0.afterFiles != nil })
    func firstStep_closesFiles(_ attempt: Attempt) throws {
        guard Machine.landlock >= attempt.abi else {
            try Test.cancel("this kernel's Landlock is older than its ABI \(attempt.abi)")
        }
        let outcome = try confined(.files, "call", ["\(attempt.number!)"] + attempt.words)
        #expect(attempt.afterFiles == fate(outcome), "\(outcome)")
    }

    @Test(
        .enabled(if: Machine.hasSeccomp, "this machine has no seccomp, so that it can't be tried"),
        arguments: Attempt.all)
    func secondStep_closesCalls(_ attempt: Attempt) throws {
        let outcome = try confined(.calls, "call", ["\(attempt.number!)"] + attempt.words)
        #expect(attempt.afterCalls == fate(outcome), "\(outcome)")
    }

    @Test(.enabled(if: Machine.hasSeccomp, "this machine has no seccomp"))
    func secondStep_bindsThreadsThatRunAlready() throws {
        #expect(try confined(.files, "threadForbidden").said == "done")
        #expect(try confined(.calls, "threadForbidden").end == .signal(UInt8(SIGSYS)))
    }

    @Test(.enabled(if: Machine.hasSeccomp, "this machine has no seccomp"))
    func forbiddenCall_isToldByItsNumber_whereThatIsAskedFor() throws {
        let outcome = try confined(.told, "call", ["434", "1", "0"])
        #expect(outcome.said == "\(ENOSYS)")
        #expect(outcome.complained.contains("forbidden system call 434"))
        #expect(outcome.end == .status(0))
    }

    @Test func file_thatIsOpen_growsNoMore() throws {
        let folder = try TemporaryFolder()
        #expect(try confined(.files, "file", [folder["grown"]]).said == "\(EFBIG)")
    }

    private func fate(_ outcome: Outcome) -> Attempt.Fate? {
        switch outcome.end {
        case .signal(UInt8(SIGSYS)): .ends
        case .status(0) where outcome.said == "done": .works
        case .status(0): Int32(outcome.said).map { .fails($0) }
        default: nil
        }
    }

    // MARK: What it must do

    @Test(
        arguments: Stage.allCases,
        [
            "accept", "descriptors", "loop", "posts", "calls", "memory", "thread", "words", "print",
            "room", "random", "clock", "environment",
        ])
    func work_isDone(_ stage: Stage, _ work: String) throws {
        let outcome = try confined(stage, work)
        #expect(outcome.said.split(separator: "\n").last == "done", "\(outcome)")
        #expect(!outcome.complained.contains("forbidden"), "\(outcome)")
        #expect(outcome.end == .status(0), "\(outcome)")
    }

    @Test(arguments: [Stage.files, .calls])
    func trap_endsIt(_ stage: Stage) throws {
        let outcome = try confined(stage, "fatal")
        #expect(
            [.signal(UInt8(SIGILL)), .signal(UInt8(SIGTRAP))].contains(outcome.end), "\(outcome)")
        #expect(outcome.complained.contains("as asked"))
        #expect(try confined(stage, "abort").end == .signal(UInt8(SIGABRT)))
    }

    /// Why there may be no task but a loop's.
    @Test(.enabled(if: Machine.hasSeccomp, "this machine has no seccomp"))
    func task_onTheGlobalExecutor_neverRuns() throws {
        let outcome = try confined(.calls, "task")
        #expect(outcome.said == "", "\(outcome)")
        #expect(outcome.end != .status(0), "\(outcome)")
    }

    @Test func thread_isNotForbiddenByTheList_butByTheLimit() throws {
        #expect(try confined(.files, "newThread").said == "done")
        let said = try confined(.calls, "newThread").said
        // Root of the machine has no limit of processes; root of a container may have one.
        #expect(Machine.isRoot ? ["done", "\(EAGAIN)"].contains(said) : said == "\(EAGAIN)")
    }

    // MARK: What the machine lacks

    /// seccomp and landlock_create_ruleset, by their numbers here.
    @Test(
        .enabled(if: Machine.hasSeccomp, "this machine has no seccomp"),
        arguments: [
            (444, ENOSYS, "Landlock is missing: the kernel is older than 5.13"),
            (444, EPERM, "Landlock is missing: a filter of this container refuses it"),
            (seccomp, ENOSYS, "seccomp is missing: the kernel was built without"),
            (seccomp, EPERM, "seccomp is missing: a filter of this container"),
        ])
    func meansThatIsMissing_isTold(
        call: Int, error: Int32, sentence: String
    ) throws {
        let outcome = try confined(.calls, "lack", ["\(call)", "\(error)"])
        #expect(outcome.complained.contains("missing: " + sentence), "\(outcome)")
        #expect(outcome.said == "done")
    }

    /// Had it gone on, it would have what it should have given up.
    @Test(.enabled(if: Machine.isRoot, "only root has rights to give up"))
    func rightThatCannotBeGivenUp_isAnError() throws {
        let outcome = try confined(.calls, "lack", ["\(capset)", "\(EPERM)"])
        #expect(outcome.complained.contains("this process cannot give up its rights"), "\(outcome)")
        #expect(outcome.end == .status(1))
    }

    /// A unit's filter of system calls may refuse the call to an ordinary user.
    @Test func rightsThatAreGone_needNotBeGivenUp() throws {
        let user: UInt32? = Machine.isRoot ? 61_001 : nil
        let outcome = try confined(.calls, "lack", ["\(capset)", "\(EPERM)"], user: user)
        #expect(outcome.said == "done", "\(outcome)")
        #expect(outcome.end == .status(0))
    }

    // MARK: What the kernel says of it

    @Test(.enabled(if: Machine.hasSeccomp, "this machine has no seccomp"))
    func status_saysThatAllIsClosed() throws {
        let helper = try Helper(.calls, "hold")
        #expect(try helper.line() == "ready")
        let status = try helper.status()
        #expect(status["Seccomp"] == "2")
        #expect(status["NoNewPrivs"] == "1")
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] { #expect(status[set] == none) }
        // Who isn't root can't empty it, and can't use it.
        if Machine.isRoot { #expect(status["CapBnd"] == none) }
        #expect(try helper.outcome().end == .status(0))
    }

    @Test(.enabled(if: Machine.isRoot, "only root can become another user"))
    func user_isAnotherForGood() throws {
        let helper = try Helper(.calls, "hold", user: 61_001)
        #expect(try helper.line() == "ready")
        let status = try helper.status()
        #expect(status["Uid"] == "61001 61001 61001 61001")
        #expect(status["Gid"] == "61001 61001 61001 61001")
        #expect(status["Groups"] == "61002")
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            #expect(status[set] == none)
        }
        #expect(try helper.outcome().end == .status(0))
    }

    @Test(.enabled(if: Machine.isRoot, "only root can become another user"))
    func user_mayStartNoThread() throws {
        #expect(try confined(.calls, "newThread", user: 61_001).said == "\(EAGAIN)")
        #expect(try confined(.calls, "loop", user: 61_001).said == "done")
    }

    @Test(.enabled(if: !Machine.isRoot, "root can become another user"))
    func user_thatCannotBeTaken_isToldWithTheReason() throws {
        let outcome = try confined(.files, "hold", user: 61_001)
        #expect(outcome.end == .status(1))
        #expect(outcome.complained.contains("was not started as root"))
    }

    private let none = "0000000000000000"
}

// The numbers of system calls.
#if arch(x86_64)
    private let (seccomp, capset) = (317, 126)
#else
    private let (seccomp, capset) = (277, 91)
#endif
