// What ends a command that runs, and what becomes of its permit.
// SPDX-License-Identifier: Apache-2.0
import Commands
import Glibc
import Programs
import System
import Testing

@testable import Remote
@testable import Serving
@testable import Sockets
@testable import TestSupport

private typealias Running = RunningCommand<PlainStream>

@Suite(.timeLimit(.minutes(1)))
struct RunningCommandTests {
    /// A program that has a status of its own for SIGTERM, and one that goes on until SIGKILL.
    private static let obliging = "trap 'exit 7' TERM; echo r; while :; do sleep 0.05; done"
    private static let stubborn = "trap 'echo t' TERM; echo r; while :; do sleep 0.05; done"

    @Test(arguments: [
        (Running.Reason.ordered, Running.Reason.timedOut, Remote.Outcome.ended(.status(7))),
        (.timedOut, .ordered, .timedOut),
    ])
    fileprivate func theFirstReason_isTheOutcome(
        _ first: Running.Reason, _ second: Running.Reason, _ outcome: Remote.Outcome
    ) async throws {
        try await running(Self.obliging) { session in
            try await session.read(.output)
            session.command.end(first)
            session.command.end(second)
            #expect(await session.ending.value.outcome == outcome)
        }
    }

    @Test func whatIsCut_isToldAsCut_whateverEndsTheCommandAfterIt() async throws {
        try await running("trap '' TERM; yes", "output: 1000, grace: 0.2") { session in
            try await session.read(.output)
            session.command.end(.timedOut)
            #expect(await session.ending.value.outcome == .overOutput)
        }
    }

    @Test func theServersEnd_afterTheTimeLimit_changesNothing() async throws {
        Signals.ignoreFailedWrites()
        try await onLoop { loop in
            let host = try OpenHost(
                "p: { run: ['/bin/sh', '-c', \"\(Self.stubborn)\"], timeout: 0.5, grace: 0.5, allow: ['anyone'] }"
            )
            let (near, far) = MemoryChannel.pair(loop)
            let client = PlainStream(near)
            let server = RemoteServer(PlainStream(far), host: host)
            let serving = loop.spawn { try? await server.serve() }
            try await client.write(Parley1.run("p"))
            var frames = Parley1.Frames(client)
            // It tells that it was sent SIGTERM; on a slow machine it may not have come that far.
            while let text = try await frames.next(.output), !text.hasSuffix("t\n") {}
            serving.cancel()
            await serving.value
            #expect(host.outcomes == [.timedOut])
            #expect(host.vacated == 1)
        }
    }

    /// So many inputs have no end that with this command's there is one too many.
    @Test func aClientThatHasLeft_brokeNoRuleAfterThat() async throws {
        try await running("trap 'exit 7' TERM; echo r; cat", "input: true", openInputs: 8_192) {
            session in
            try await session.read(.output)
            session.near.shutdownWrite()
            let ending = await session.ending.value
            guard case .clientLeft = ending.sequel else {
                Issue.record("it has the sequel \(ending.sequel)")
                return
            }
        }
    }

    @Test func thePlaceIsFree_whenTheClientIsTold_andTheEndIsRecordedAfterIt() async throws {
        try await running("exit 3") { session in
            try await session.read(.exit)
            #expect(session.admitted.calls == [.vacated])
            let ending = await session.ending.value
            session.permitted.seeOff(ending.outcome, ending.usage)
            #expect(session.admitted.calls == [.vacated, .ended(.ended(.status(3)))])
        }
    }

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
            var program: PermittedProgram? = try PermittedProgram(
                ProgramStart(
                    path: "/bin/sleep", arguments: ["1000"], environment: [:], directory: "/",
                    takesInput: false), Permit(admitted, environment: [:]), loop: loop)
            while program?.program.pid == nil { await loop.nextTurn() }
            let pid = try #require(program?.program.pid)
            #expect(admitted.calls.isEmpty)
            program = nil
            #expect(Set(admitted.calls) == [.vacated, .abandoned])
            while kill(pid, 0) == 0 { await loop.nextTurn() }
        }
    }

    /// Runs a shell's script as a command of its own, and the test beside it.
    private func running(
        _ script: String, _ limits: String = "grace: 0.5", openInputs: Int = 0,
        _ body: @escaping @Sendable (RunningSession) async throws -> Void
    ) async throws {
        Signals.ignoreFailedWrites()
        try await onLoop { loop in
            let session = try RunningSession(script, limits, openInputs, loop)
            try await body(session)
            _ = await session.ending.value
        }
    }
}

/// A command, and the client that reads what it says. Confined to its loop.
private final class RunningSession {
    let admitted = Admitted()
    let permitted: PermittedProgram
    let command: Running
    let ending: Task<Ending, Never>
    private var frames: Parley1.Frames
    let near: MemoryChannel

    init(
        _ script: String, _ limits: String, _ openInputs: Int, _ loop: EventLoop
    ) throws {
        let table = try CommandTable(
            text:
                "{commands: {p: { run: ['/bin/sh', '-c', \"\(script)\"], \(limits), allow: ['anyone'] }}}",
            name: "t")
        guard case .program(let entry)? = table["p"]?.action else { throw TookTooLong() }
        let (near, far) = MemoryChannel.pair(loop)
        self.near = near
        frames = Parley1.Frames(PlainStream(near))
        permitted = try PermittedProgram(
            ProgramStart(
                path: "/bin/sh", arguments: ["-c", script],
                environment: ["PATH": "/usr/bin:/bin"], directory: "/",
                takesInput: entry.takesInput, grace: entry.grace ?? .seconds(5)),
            Permit(admitted, environment: [:]), loop: loop)
        let incoming = Incoming()
        for _ in 0..<openInputs {
            incoming.want(1)
            try incoming.commandEnded()
        }
        let command = Running(
            PlainStream(far), incoming, permitted, name: "p", limits: entry)
        self.command = command
        ending = loop.spawn { await command.run() }
    }

    /// Reads until a frame of this type has come.
    func read(_ kind: Parley1.Kind) async throws {
        let text = try await frames.next(kind)
        try #require(text != nil)
    }
}

extension Parley1.Frames {
    /// The payload of the next frame of this type, as text; others before it are passed over. Nil after
    /// an exit.
    fileprivate mutating func next(_ kind: Parley1.Kind) async throws -> String? {
        while true {
            let frame = try await next()
            if frame.kind == kind { return String(decoding: frame.payload, as: UTF8.self) }
            if frame.kind == .exit { return nil }
        }
    }
}

/// What its permit has told a host. Confined to its loop.
private final class Admitted: AdmittedCommand {
    enum Call: Hashable {
        case vacated
        case abandoned
        case ended(Remote.Outcome)
    }
    private(set) var calls: [Call] = []

    func vacated() { calls.append(.vacated) }
    func ended(_ outcome: Remote.Outcome, _ usage: Usage) { calls.append(.ended(outcome)) }
    func abandoned() { calls.append(.abandoned) }
}
