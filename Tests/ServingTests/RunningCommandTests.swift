// What ends a command that runs, as its client and the records have it.
// SPDX-License-Identifier: Apache-2.0
import System
import Testing

@testable import Broker
@testable import Remote
@testable import Serving
@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct RunningCommandTests {
    /// A program that goes on until SIGKILL.
    private static let stubborn = "trap 'echo t' TERM; echo r; while :; do sleep 0.05; done"

    @Test func whatIsCut_isToldAsCut_whateverEndsTheCommandAfterIt() async throws {
        try await running("trap '' TERM; yes", "output: 1000, grace: 0.2") { session in
            try await session.read(.output)
            session.near.shutdownWrite()
            await session.serving.value
            try await eventually("it is recorded") { session.host.left == 1 }
            #expect(session.host.outcomes == [.overOutput])
            #expect(session.host.usages[0].traffic?.bytesOut == 1_000)
        }
    }

    /// All of it may be in the pipe before the first of it is read.
    @Test func whatIsCut_isToldAsCut_alsoWhereTheProgramHasEnded() async throws {
        try await running("head -c 3000 /dev/zero", "output: 1000") { session in
            #expect(try await session.exit() == [3, 0])
            try await eventually("it is recorded") { session.host.left == 1 }
            #expect(session.host.outcomes == [.overOutput])
        }
    }

    @Test func theServersEnd_afterTheTimeLimit_changesNothing() async throws {
        try await running(Self.stubborn, "timeout: 0.5, grace: 0.5") { session in
            // It tells that it was sent SIGTERM; on a slow machine it may not have come that far.
            while let text = try await session.frames.next(.output), !text.hasSuffix("t\n") {}
            session.serving.cancel()
            await session.serving.value
            try await eventually("it is recorded") { session.host.left == 1 }
            #expect(session.host.outcomes == [.timedOut])
            #expect(session.host.vacated == 1)
        }
    }

    @Test func thePlaceIsFree_whenTheClientIsTold_andTheEndIsRecordedAfterIt() async throws {
        try await running("echo some; exit 3") { session in
            #expect(try await session.exit() == [0, 3])
            #expect(session.host.vacated == 1)
            try await eventually("it is recorded") { session.host.left == 1 }
            #expect(session.host.outcomes == [.ended(.status(3))])
            #expect(session.host.usages[0].traffic == Traffic(bytesOut: 5))
        }
    }

    /// However much is in its pipe: what leaves together is full records, without a small one behind them.
    @Test func outputThatFlows_leavesInFullRecords() async throws {
        try await running("head -c 20000000 /dev/zero", "output: 20000000") { session in
            #expect(try await session.exit() == [0, 0])
            let most = try #require(session.far.parts.max())
            #expect(most <= TransferBuffer.records * EventLoop.recordPayload)
            #expect(most > EventLoop.recordPayload)
        }
    }

    /// Runs a shell's script as a command of its own, and the test beside it.
    private func running(
        _ script: String, _ limits: String = "grace: 0.5",
        _ body: @escaping @Sendable (RunningSession) async throws -> Void
    ) async throws {
        Signals.ignoreFailedWrites()
        try await onLoop { loop in
            let session = try await RunningSession(script, limits, loop)
            try await body(session)
            session.near.shutdownWrite()
            await session.serving.value
        }
    }
}

/// A command, and the client that reads what it says. Confined to its loop.
private final class RunningSession {
    let host: OpenHost
    let near: MemoryChannel
    let far: MemoryChannel
    let serving: Task<Void, Never>
    var frames: Parley1.Frames

    init(_ script: String, _ limits: String, _ loop: EventLoop) async throws {
        let host = try OpenHost(
            "p: { run: ['/bin/sh', '-c', \"\(script)\"], \(limits), allow: ['anyone'] }",
            loop: loop)
        self.host = host
        let (near, far) = MemoryChannel.pair(loop)
        (self.near, self.far) = (near, far)
        let client = PlainStream(near)
        frames = Parley1.Frames(client)
        let server = RemoteServer(PlainStream(far), host: host)
        serving = loop.spawn { try? await server.serve() }
        try await client.write(Parley1.run("p"))
    }

    /// Reads until a frame of this type has come.
    func read(_ kind: Parley1.Kind) async throws {
        let text = try await frames.next(kind)
        try #require(text != nil)
    }

    /// Reads to the exit, and gives its payload.
    func exit() async throws -> [UInt8] {
        while true {
            let frame = try await frames.next()
            if frame.kind == .exit { return frame.payload }
        }
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
