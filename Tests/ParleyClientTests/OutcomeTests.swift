// How the server's word becomes an outcome.
// SPDX-License-Identifier: Apache-2.0
import ParleyClient
import Testing

@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct OutcomeTests {
    @Test(
        arguments: [
            ([0, 0], .exited(0), "exit", "ended with status 0"),
            ([0, 255], .exited(255), "exit", "ended with status 255"),
            ([1, 9], .signaled(9), "signal", "ended by signal 9"),
            ([2, 0], .timedOut, "time-out", "exceeded the server's time limit"),
            ([3, 0], .outputLimit, "output-limit", "exceeded the server's output limit"),
            (
                [4, 0], .leftRunning, "left-running",
                "left something running that the server could not end"
            ),
        ] as [([UInt8], ParleyClient.Outcome, String, String)])
    func anExit_isAnOutcome_beside_whatWasWritten(
        payload: [UInt8], outcome: ParleyClient.Outcome, name: String, words: String
    ) async throws {
        let result = try await serving { peer in
            let run = try await peer.take(.run)
            #expect(Parley1.frame(.run, run) == Parley1.run("disk", "/", ""))
            try await peer.say(.output, Array("out".utf8))
            try await peer.say(.errorOutput, Array("error".utf8))
            try await peer.say(.output, Array("put".utf8))
            try await peer.say(.exit, payload)
        } ask: { host in
            let session = try await Session.open(host)
            return try await session.run("disk", arguments: ["/", ""])
        }
        #expect(
            result
                == CommandResult(
                    outcome, output: Array("output".utf8), errorOutput: Array("error".utf8)))
        #expect(result.outcome.name == name)
        #expect("\(result.outcome)" == words)
        #expect(result.outcome.isSuccess == (payload == [0, 0]))
    }

    /// Codes of docs/protocol.md; one that a newer server may have is just another way to be refused.
    @Test(
        arguments: [
            (1, .unknownCommand), (2, .notAllowed), (3, .badArgument), (4, .busy), (5, .tooLarge),
            (6, .malformed), (7, .shuttingDown), (8, .unavailable), (9, .cancelled),
            (200, .unavailable),
        ] as [(UInt8, Refusal.Code)])
    func aRefusal_isAnOutcome_thatIsSafeToPrint(number: UInt8, code: Refusal.Code) async throws {
        let outcome = try await serving { peer in
            try await peer.take(.run)
            try await peer.say(.refusal, [number] + Array("not\u{1b} now".utf8))
        } ask: { host in
            try await Session.open(host).run("disk").outcome
        }
        guard case .refused(let refusal) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(refusal.code == code)
        #expect(refusal.sentence == "not\\u{1b} now")
        #expect(outcome.name == "refused")
        #expect("\(outcome)" == "refused (\(code)): not\\u{1b} now")
        #expect(!outcome.isSuccess)
    }

    @Test func everyRefusalOfTheProtocol_hasItsCode() {
        #expect(Refusal.Code.allCases.count == 9)
    }

    @Test func outcomesComeInOrder_inOneSession() async throws {
        let statuses = try await serving { peer in
            for status: UInt8 in 1...3 { try await peer.answer(status: status) }
        } ask: { host in
            let session = try await Session.open(host)
            var statuses: [ParleyClient.Outcome] = []
            for _ in 1...3 { statuses.append(try await session.run("disk").outcome) }
            return statuses
        }
        #expect(statuses == [.exited(1), .exited(2), .exited(3)])
    }

    @Test func anOutcomeThatNoServerMayGive_breaksTheProtocol() async throws {
        try await serving { peer in
            try await peer.take(.run)
            try await peer.say(.exit, [9, 9])
        } ask: { host in
            let session = try await Session.open(host)
            try await expectFailure("protocolViolated", at: host) { try await session.run("disk") }
            try await expectFailure("protocolViolated", at: host) { try await session.run("disk") }
        }
    }

    @Test func anEndWithoutAnOutcome_isNone() async throws {
        try await serving { peer in
            try await peer.take(.run)
            await peer.close()
        } ask: { host in
            let session = try await Session.open(host)
            try await expectFailure("cutShort", at: host, "outcome") {
                try await session.run("disk")
            }
        }
    }

    @Test func eventsComeAsTheyHappen() async throws {
        let events = try await serving { peer in
            try await peer.take(.run)
            try await peer.say(.output, [1])
            // The client has the first output while the program still runs.
            try await peer.take(.cancel)
            try await peer.say(.errorOutput, [2])
            try await peer.say(.exit, [1, 15])
        } ask: { host in
            let session = try await Session.open(host)
            var events: [CommandEvent] = []
            for try await event in session.stream("disk") {
                events.append(event)
                if event == .output([1]) { session.cancel() }
            }
            return events
        }
        #expect(events == [.output([1]), .errorOutput([2]), .ended(.signaled(15))])
    }
}
