// What ends a program that runs for a session, and what becomes of its permit.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Programs
import System
import Testing

@testable import Broker
@testable import Remote
@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct SupervisedProgramTests {
    /// A program that has a status of its own for SIGTERM.
    private static let obliging = "trap 'exit 7' TERM; echo r; while :; do sleep 0.05; done"

    @Test(arguments: [
        (
            SupervisedProgram.Reason.stopped(.ordered), SupervisedProgram.Reason.timedOut,
            Remote.Outcome.ended(.status(7))
        ),
        (.timedOut, .stopped(.ordered), .timedOut),
        (.stopped(.overOutput), .timedOut, .overOutput),
    ])
    func theFirstReason_isTheOutcome(
        _ first: SupervisedProgram.Reason, _ second: SupervisedProgram.Reason,
        _ outcome: Remote.Outcome
    ) async throws {
        try await onLoop { loop in
            let run = try Supervision(Self.obliging, loop)
            try await run.wrote()
            run.program.end(first)
            run.program.end(second)
            #expect(try await run.outcome() == outcome)
            #expect(run.admitted.calls == [.vacated])
            run.program.seeOff(Traffic(bytesIn: 4, bytesOut: 2, bytesError: 1))
            #expect(run.admitted.calls == [.vacated, .ended(outcome)])
            #expect(run.admitted.usage?.traffic == Traffic(bytesIn: 4, bytesOut: 2, bytesError: 1))
        }
    }

    /// Whoever moves the bytes may find that when the program has ended.
    @Test(arguments: [
        ("exit 3", Duration.seconds(60), Remote.Outcome.overOutput),
        ("sleep 100", .milliseconds(200), .timedOut),
    ])
    func whatIsCut_isRecordedAsCut_unlessItsTimeWasOver(
        _ script: String, _ timeout: Duration, _ outcome: Remote.Outcome
    ) async throws {
        try await onLoop { loop in
            let run = try Supervision(script, timeout: timeout, loop)
            _ = try await run.outcome()
            run.program.seeOff(Traffic(bytesOut: 9, isOverLimit: true))
            #expect(run.admitted.calls == [.vacated, .ended(outcome)])
        }
    }

    @Test func noEndIsTold_beforeThereIsOne() async throws {
        try await onLoop { loop in
            let run = try Supervision(Self.obliging, loop)
            try await run.wrote()
            run.program.seeOff(Traffic())
            #expect(run.admitted.calls.isEmpty)
        }
    }

    /// The other process has its pipes, and reads nothing.
    @Test func aProgramIsDone_whoeverReadsItsOutput() async throws {
        try await onLoop { loop in
            let run = try Supervision("echo unread; exit 5", loop)
            #expect(try await run.outcome() == .ended(.status(5)))
        }
    }

    @Test func timeThatItsClientHeldItUp_isNotCounted() async throws {
        try await onLoop { loop in
            let run = try Supervision("sleep 100", timeout: .milliseconds(100), loop)
            run.isHeldUp = true
            try await eventually("it was asked ten times") { run.probes >= 10 }
            #expect(run.done == nil)
            run.isHeldUp = false
            #expect(try await run.outcome() == .timedOut)
        }
    }

    /// Nobody says that the client was told.
    @Test(arguments: [("exit 3", Duration.seconds(60)), ("sleep 100", .milliseconds(500))])
    func anEndThatNobodyTells_isRecordedWithoutWhatWasMoved(
        _ script: String, _ timeout: Duration
    ) async throws {
        try await onLoop { loop in
            let run = try Supervision(
                script, timeout: timeout, patience: .milliseconds(100), loop)
            let outcome = try await run.outcome()
            try await eventually("its end is recorded") {
                run.admitted.calls == [.vacated, .ended(outcome)]
            }
            #expect(run.admitted.usage?.traffic == nil)
            #expect(run.admitted.usage?.pid != nil)
            // It is heard all the same, and not recorded twice.
            run.program.seeOff(Traffic(bytesOut: 9, isOverLimit: true))
            await turns(5)
            #expect(run.admitted.calls.count == 2)
        }
    }

    @Test func anEndThatIsToldInTime_isRecordedOnce() async throws {
        try await onLoop { loop in
            let run = try Supervision("exit 3", patience: .milliseconds(50), loop)
            _ = try await run.outcome()
            run.program.seeOff(Traffic(bytesOut: 9))
            let later = Bell()
            let timer = Timer(after: .milliseconds(100), on: loop) { later.ring() }
            await later.wait()
            #expect(run.admitted.calls == [.vacated, .ended(.ended(.status(3)))])
            #expect(run.admitted.usage?.traffic == Traffic(bytesOut: 9))
            withExtendedLifetime(timer) {}
        }
    }

    // MARK: Permits

    @Test func aPermitThatIsLetGo_givesItsPlaceBack_andIsRecorded() {
        let admitted = Admitted()
        do { _ = Permit(admitted, environment: [:]) }
        #expect(Set(admitted.calls) == [.vacated, .abandoned])
        #expect(admitted.calls.count == 2)
    }

    @Test func aPermitThatEnds_givesItsPlaceBack_andIsRecordedOnce() {
        let admitted = Admitted()
        Permit(admitted, environment: [:]).end(.timedOut, Usage())
        #expect(Set(admitted.calls) == [.vacated, .ended(.timedOut)])
        #expect(admitted.calls.count == 2)
    }

    @Test func aProgramThatIsLetGo_isKilled_andItsPermitEnds() async throws {
        try await onLoop { loop in
            let admitted = Admitted()
            var run: Supervision? = try Supervision("echo $$; sleep 1000", loop, admitted)
            let pid = try #require(Int32(try await run?.wrote().dropLast() ?? ""))
            #expect(admitted.calls.isEmpty)
            run = nil
            #expect(Set(admitted.calls) == [.vacated, .abandoned])
            while kill(pid, 0) == 0 { await loop.nextTurn() }
        }
    }
}

/// A line of the shell's that is supervised. Confined to its loop.
private final class Supervision {
    let program: SupervisedProgram
    let admitted: Admitted
    var isHeldUp = false
    var probes: Int { state.probes }
    var done: Remote.Outcome? { state.done }
    private let output: PipeReader
    private let errorOutput: PipeReader
    private let bell = Bell()
    private let state: State

    private final class State {
        var isRunning = false
        var done: Remote.Outcome?
        var probes = 0
        var probed: () -> Void = {}
    }

    init(
        _ script: String, timeout: Duration = .seconds(60), patience: Duration = .seconds(60),
        _ loop: EventLoop,
        _ admitted: Admitted = Admitted()
    ) throws {
        Signals.ignoreFailedWrites()
        let (state, bell) = (State(), bell)
        self.state = state
        self.admitted = admitted
        let pipes = try ProgramPipes(takesInput: false)
        let ends = try pipes.ends.copies()
        program = try SupervisedProgram(
            ProgramStart(
                path: "/bin/sh", arguments: ["-c", script],
                environment: ["PATH": "/usr/bin:/bin"], directory: "/", takesInput: false,
                grace: .seconds(5)), pipes, timeout: timeout, patience: patience,
            Permit(admitted, environment: [:]), loop: loop
        ) {
            switch $0 {
            case .running: state.isRunning = true
            case .probe:
                state.probes += 1
                state.probed()
            case .done(let outcome): state.done = outcome
            }
            bell.ring()
        }
        output = try PipeReader(ends.output, loop: loop) { bell.ring() }
        errorOutput = try PipeReader(ends.errorOutput, loop: loop) { bell.ring() }
        state.probed = { [unowned self] in program.answer(isHeldUp: isHeldUp) }
    }

    /// Waits for what it writes first.
    @discardableResult
    func wrote() async throws -> String {
        while true {
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 4_096) { buffer, count in
                var span = unsafe OutputSpan(buffer: buffer, initializedCount: 0)
                _ = output.read(into: &span, cutting: 65_536, after: 0)
                count = unsafe span.finalize(for: buffer)
            }
            if !bytes.isEmpty {
                try await eventually("it is known to run") { state.isRunning }
                return String(decoding: bytes, as: UTF8.self)
            }
            await bell.wait()
        }
    }

    func outcome() async throws -> Remote.Outcome {
        while true {
            if let done = state.done { return done }
            await bell.wait()
        }
    }
}

/// What its permit has told a desk. Confined to its loop.
private final class Admitted: AdmittedCommand {
    enum Call: Hashable {
        case vacated
        case abandoned
        case ended(Remote.Outcome)
    }
    private(set) var calls: [Call] = []
    private(set) var usage: Usage?

    func whenRecorded(_ call: @escaping (Refusal?) -> Void) { call(nil) }
    func vacated() { calls.append(.vacated) }
    func ended(_ outcome: Remote.Outcome, _ usage: Usage) {
        calls.append(.ended(outcome))
        self.usage = usage
    }
    func abandoned() { calls.append(.abandoned) }
}
