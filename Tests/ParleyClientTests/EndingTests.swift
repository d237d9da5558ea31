// How a command ends before its time, and what becomes of its session.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ParleyClient
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct EndingTests {
    /// Asks while a command runs; `script` is what the server does once it has it.
    private func whileRunning(
        _ script: @escaping @Sendable (Peer) async throws -> Void,
        ask:
            @escaping @Sendable (String, Session, Task<CommandResult, any Error>) async throws ->
            Void
    ) async throws {
        let started = Milestone()
        try await serving { peer in
            try await peer.take(.run)
            started.reach()
            try await script(peer)
        } ask: { host in
            let session = try await Session.open(host)
            let running = Task { try await session.run("wait") }
            await started.reached()
            try await ask(host, session, running)
        }
    }

    // MARK: By this end

    @Test func cancellingTheTask_endsTheCommandWithItsSession() async throws {
        try await whileRunning { peer in
            #expect(await peer.rest() == [])
        } ask: { host, session, running in
            running.cancel()
            try await expectFailure("cancelled", at: host, "the session with it") {
                try await running.value
            }
            try await expectFailure("cancelled", at: host) { try await session.run("disk") }
        }
    }

    @Test func aTaskThatWasCancelledBefore_startsNothing() async throws {
        try await serving { peer in
            try await peer.answer(status: 3)
        } ask: { host in
            let session = try await Session.open(host)
            let running = Task {
                await Milestone().reached()
                return try await session.run("wait")
            }
            running.cancel()
            try await expectFailure("cancelled", at: host) { try await running.value }
            #expect(try await session.run("disk").outcome == .exited(3))
        }
    }

    @Test func anotherCommandThatIsGivenUp_isNotThisOne() async throws {
        try await serving { peer in
            try await peer.answer(status: 3)
        } ask: { host in
            let session = try await Session.open(host)
            let events = session.stream("disk")
            let first = CommandRun(events.hold)
            // Later, but given up before the first one begins.
            _ = CommandRun(events.hold)
            #expect(try await first.next(starting: events.request).get() == .ended(.exited(3)))
        }
    }

    @Test func leavingTheLoop_endsTheCommandWithItsSession() async throws {
        try await serving { peer in
            try await peer.take(.run)
            try await peer.say(.output, [1])
            #expect(await peer.rest() == [])
        } ask: { host in
            let session = try await Session.open(host)
            for try await event in session.stream("log") {
                #expect(event == .output([1]))
                break
            }
            try await expectFailure("cancelled", at: host) { try await session.run("disk") }
        }
    }

    @Test func cancel_endsTheCommandOnly() async throws {
        let started = Milestone()
        try await serving { peer in
            try await peer.take(.run)
            started.reach()
            try await peer.take(.cancel)
            try await peer.say(.exit, [1, 15])
            try await peer.answer(status: 3)
        } ask: { host in
            let session = try await Session.open(host)
            // Without a command, it does nothing.
            session.cancel()
            let running = Task { try await session.run("wait").outcome }
            await started.reached()
            session.cancel()
            #expect(try await running.value == .signaled(15))
            #expect(try await session.run("disk").outcome == .exited(3))
        }
    }

    @Test func timeout_cancelsTheCommandOnly_andKeepsItsOutput() async throws {
        try await serving { peer in
            try await peer.take(.run)
            try await peer.say(.output, [1])
            try await peer.take(.cancel)
            try await peer.say(.errorOutput, [2])
            try await peer.say(.exit, [1, 15])
            try await peer.answer(status: 3)
        } ask: { host in
            let session = try await Session.open(host)
            let error = try await expectFailure("commandTimedOut", at: host, "after 0.05 s") {
                try await session.run("wait", timeout: .milliseconds(50))
            }
            guard case .commandTimedOut(_, let result) = error else { return }
            #expect(result == CommandResult(.signaled(15), output: [1], errorOutput: [2]))
            #expect(
                try await session.run("disk", timeout: .seconds(60)).outcome == .exited(3))
        }
    }

    @Test func moreThanMaxOutput_endsTheCommandWithItsSession() async throws {
        try await serving { peer in
            try await peer.take(.run)
            try await peer.say(.output, [1, 2, 3])
            try await peer.say(.errorOutput, [4])
            try await peer.say(.exit, [0, 0])
            try await peer.take(.run)
            try await peer.say(.output, [1, 2, 3])
            try await peer.say(.errorOutput, [4, 5])
            #expect(await peer.rest() == [])
        } ask: { host in
            let session = try await Session.open(host)
            let result = try await session.run("some", maxOutput: 4)
            #expect(result == CommandResult(.exited(0), output: [1, 2, 3], errorOutput: [4]))
            try await expectFailure("tooMuchOutput", at: host, "4 bytes", "maxOutput") {
                try await session.run("much", maxOutput: 4)
            }
        }
    }

    // MARK: What can't be run

    @Test func anotherCommand_isBusy() async throws {
        try await whileRunning { peer in
            try await peer.take(.cancel)
            try await peer.say(.exit, [0, 3])
        } ask: { host, session, running in
            try await expectFailure("busy", at: host, "another session") {
                try await session.run("disk")
            }
            session.cancel()
            #expect(try await running.value.outcome == .exited(3))
        }
    }

    @Test func aCommandThatNoServerCanHave_isNotSent() async throws {
        try await serving { peer in
            try await peer.answer(status: 3)
        } ask: { host in
            let session = try await Session.open(host)
            for words in [[""], ["large", String(repeating: "x", count: 40_000)]] {
                try await expectFailure("invalid", at: host) {
                    try await session.run(words[0], arguments: Array(words[1...]))
                }
            }
            #expect(try await session.run("disk").outcome == .exited(3))
        }
    }

    // MARK: Closing

    @Test func close_isACleanEnd() async throws {
        try await serving { peer in
            try await peer.answer()
            #expect(await peer.rest() == [])
        } ask: { host in
            let session = try await Session.open(host)
            _ = try await session.run("disk")
            await session.close()
            await session.close()
            try await expectFailure("closed", at: host, "closed") { try await session.run("disk") }
        }
    }

    @Test func closing_endsWhatRuns() async throws {
        try await whileRunning { peer in
            #expect(await peer.rest() == [])
        } ask: { host, session, running in
            await session.close()
            try await expectFailure("closed", at: host) { try await running.value }
        }
    }

    @Test func theLastReference_closes() async throws {
        let ended = Milestone()
        try await serving { peer in
            try await peer.answer()
            #expect(await peer.rest() == [])
            ended.reach()
        } ask: { host in
            _ = try await Session.open(host).run("disk")
            await ended.reached()
        }
    }

    // MARK: By the server

    @Test func aServerThatEndsTheSession_isToldOf() async throws {
        let ended = Milestone()
        try await serving { peer in
            try await peer.answer()
            await peer.close()
            ended.reach()
        } ask: { host in
            let session = try await Session.open(host)
            _ = try await session.run("disk")
            await ended.reached()
            try await expectFailure("sessionRefused", at: host, "connect again") {
                try await session.run("disk")
            }
        }
    }

    @Test func aRefusalOfTheSession_isToldOf() async throws {
        let ended = Milestone()
        try await serving { peer in
            try await peer.say(.refusal, [4] + Array("no place".utf8))
            await peer.close()
            ended.reach()
        } ask: { host in
            let session = try await Session.open(host)
            await ended.reached()
            try await expectFailure("sessionRefused", at: host, "no place") {
                try await session.run("disk")
            }
        }
    }

    // MARK: Silence

    @Test func anIdleSession_answersPings_andSendsItsOwn() async throws {
        let pinged = Milestone()
        try await serving { peer in
            try await peer.say(.ping)
            var kinds: Set<Parley1.Kind> = []
            while kinds != [.pong, .ping] { kinds.insert(try await peer.next().kind) }
            pinged.reach()
        } ask: { host in
            let session = try await Session.connect(
                to: host, credentials: .of(), keepalive: .milliseconds(50))
            await pinged.reached()
            await session.close()
        }
    }

    @Test func aSilentServer_isGivenUp() async throws {
        let ended = Milestone()
        try await serving { peer in
            try await peer.take(.run)
            await ended.reached()
        } ask: { host in
            let session = try await Session.connect(
                to: host, credentials: .of(), keepalive: .milliseconds(50),
                idleTimeout: .milliseconds(300))
            try await expectFailure("cutShort", at: host, "outcome is unknown") {
                try await session.run("wait")
            }
            ended.reach()
        }
    }
}
