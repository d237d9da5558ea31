// Remote commands whose exec hangs: whoever may end a command can end these too.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Programs
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
            #expect(await session.outcome() == .ended(.signal(15)))
            #expect(session.host.vacated == 1)
        }
    }

    @Test func aCancel_endsTheCommand_andTheSessionGoesOn() async throws {
        try await hanging { session in
            try await session.client.write(frame(.cancel))
            try await session.client.write(Request(name: "whoami", arguments: []).frames)
            try await session.expect(.exit)
            #expect(await session.outcome() == .ended(.signal(15)))
            try await session.expect(.output)
            try await session.expect(.exit)
        }
    }

    @Test func aPing_isAnswered() async throws {
        try await hanging { session in
            try await session.client.write(frame(.ping))
            try await session.expect(.pong)
        }
    }

    @Test func theTimeLimit_endsTheCommand() async throws {
        try await hanging("timeout: 0.1") { session in
            try await session.expect(.exit)
            #expect(await session.outcome() == .timedOut)
        }
    }

    @Test func theServersEnd_endsTheSession() async throws {
        try await hanging { session in
            session.serving.cancel()
            // Nothing is left for the client to hear of but the exit.
            try await session.expect(.exit)
            #expect(await session.outcome() == .ended(.signal(15)))
        }
    }

    @Test func whatCannotBeStarted_isRefusedWhenThatIsKnown() async throws {
        let interpreter = HangingExec("#!/bin/sh\n")
        try await hanging("input: true", script: "#!\(interpreter.path)\n") { session in
            // The table has found it.
            unsafe unlink(interpreter.path)
            session.exec.letGo()
            // No input was wanted before.
            try await session.expect(.refusal)
            let outcome = await session.outcome()
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
        _ limits: String = "grace: 0.1", script: String = "#!/bin/sh\nexec sleep 1000\n",
        _ body: @escaping @Sendable (HangingSession) async throws -> Void
    ) async throws {
        Signals.ignoreFailedWrites()
        try await onLoop { loop in
            let session = try await HangingSession(limits, script, loop)
            try await session.client.write(Request(name: "hangs", arguments: []).frames)
            while session.host.admitted == 0 { await loop.nextTurn() }
            await turns(5)
            try await body(session)
            session.exec.letGo()
            session.near.shutdownWrite()
            _ = await session.serving.value
            while session.host.vacated == 0 { await loop.nextTurn() }
        }
    }
}

/// A session whose command `hangs` does so. Confined to its loop.
private final class HangingSession: @unchecked Sendable {
    let loop: EventLoop
    let exec: HangingExec
    let host: OpenHost
    let near: MemoryChannel
    let client: PlainStream
    let serving: Task<StreamError?, Never>
    private var reader = FrameReader(from: .server)
    private var types: [FrameType] = []

    init(_ limits: String, _ script: String, _ loop: EventLoop) async throws {
        self.loop = loop
        exec = HangingExec(script)
        let host = try OpenHost("hangs: { run: ['\(exec.path)'], \(limits), allow: ['anyone'] }")
        self.host = host
        // Not before the table has looked at it.
        try await exec.hold()
        let (near, far) = MemoryChannel.pair(loop)
        self.near = near
        client = PlainStream(near)
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
    func outcome() async -> Remote.Outcome {
        while host.outcomes.isEmpty { await loop.nextTurn() }
        return host.outcomes[0]
    }

    /// Reads the next frame, which must be of this type.
    func expect(_ type: FrameType) async throws {
        let next = try await next()
        #expect(next == type)
    }

    private func next() async throws -> FrameType {
        while types.isEmpty {
            let bytes = try #require(try await client.read(upTo: 16_384) { Array(copying: $0) })
            var offset = 0
            while let type = try reader.next(
                bytes.span, at: &offset, { (type, _) throws(StreamError) in type })
            {
                types.append(type)
            }
        }
        return types.removeFirst()
    }
}

private func frame(_ type: FrameType) -> [UInt8] {
    var frame: [UInt8] = []
    frame.append(type)
    return frame
}
