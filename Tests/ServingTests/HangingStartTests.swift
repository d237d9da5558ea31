// Remote commands whose exec hangs: whoever may end a command can end these too.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import System
import Testing

@testable import Remote
@testable import Serving
@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct HangingStartTests {
    @Test func aClientsEnd_endsTheCommand() async throws {
        try await hanging { session in
            session.near.shutdownWrite()
            #expect(await session.serving.value?.code == .endedEarly)
            let outcome = try await session.outcome()
            #expect(outcome == .ended(.signal(15)))
            #expect(session.host.vacated == 1)
        }
    }

    @Test func aCancel_endsTheCommand_andTheSessionGoesOn() async throws {
        try await hanging { session in
            try await session.client.write(Parley1.frame(.cancel))
            try await session.client.write(Parley1.run("whoami"))
            try await session.expect(.exit)
            #expect(try await session.outcome() == .ended(.signal(15)))
            try await session.expect(.output)
            try await session.expect(.exit)
        }
    }

    @Test func aPing_isAnswered() async throws {
        try await hanging { session in
            try await session.client.write(Parley1.frame(.ping))
            try await session.expect(.pong)
        }
    }

    @Test func theTimeLimit_endsTheCommand() async throws {
        try await hanging("timeout: 0.1") { session in
            try await session.expect(.exit)
            #expect(try await session.outcome() == .timedOut)
        }
    }

    @Test func theServersEnd_endsTheSession() async throws {
        try await hanging { session in
            session.serving.cancel()
            // Nothing is left for the client to hear of but the exit.
            try await session.expect(.exit)
            #expect(try await session.outcome() == .ended(.signal(15)))
        }
    }

    @Test func whatCannotBeStarted_isRefusedWhenThatIsKnown() async throws {
        let interpreter = try HangingExec("#!/bin/sh\n")
        try await hanging("input: true", script: "#!\(interpreter.path)\n") { session in
            // The table has found it.
            unsafe unlink(interpreter.path)
            session.exec.letGo()
            // No input was wanted before.
            try await session.expect(.refusal)
            let outcome = try await session.outcome()
            guard case .refused(let refusal) = outcome else {
                Issue.record("it has the outcome \(outcome)")
                return
            }
            #expect(refusal.code == .unavailable)
            #expect(refusal.sentence.contains(session.exec.path))
            #expect(session.host.vacated == 1)
        }
    }

    /// Runs a session in which a command was asked for that hangs as it starts.
    private func hanging(
        _ limits: String = "grace: 60", script: String = "#!/bin/sh\nexec sleep 1000\n",
        _ body: @escaping @Sendable (HangingSession) async throws -> Void
    ) async throws {
        Signals.ignoreFailedWrites()
        try await onLoop { loop in
            let session = try await HangingSession(limits, script, loop)
            try await session.client.write(Parley1.run("hangs"))
            try await eventually("the command is admitted") { session.host.admitted > 0 }
            await turns(5)
            try await body(session)
            session.exec.letGo()
            session.near.shutdownWrite()
            _ = await session.serving.value
            try await eventually("its place is free") { session.host.vacated > 0 }
        }
    }
}

/// A session whose command `hangs` does so. Confined to its loop.
private final class HangingSession {
    let loop: EventLoop
    let exec: HangingExec
    let host: OpenHost
    let near: MemoryChannel
    let client: PlainStream
    let serving: Task<StreamError?, Never>
    private var frames: Parley1.Frames

    init(_ limits: String, _ script: String, _ loop: EventLoop) async throws {
        self.loop = loop
        exec = try HangingExec(script)
        let host = try OpenHost(
            "hangs: { run: ['\(exec.path)'], \(limits), allow: ['anyone'] }", loop: loop)
        self.host = host
        // Not before the table has looked at it.
        try await exec.hold()
        let (near, far) = MemoryChannel.pair(loop)
        self.near = near
        client = PlainStream(near)
        frames = Parley1.Frames(client)
        serving = loop.spawn {
            do throws(StreamError) {
                try await RemoteServer(PlainStream(far), host: host).serve()
                return nil
            } catch {
                return error
            }
        }
    }

    /// As it is recorded, after the client was told.
    func outcome() async throws -> Remote.Outcome {
        try await eventually("its outcome is recorded") { !host.outcomes.isEmpty }
        return host.outcomes[0]
    }

    /// Reads the next frame, which must be of this type.
    func expect(_ kind: Parley1.Kind) async throws {
        let next = try await frames.next()
        #expect(next.kind == kind)
    }
}
