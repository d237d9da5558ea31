// What an office knows of the programs that it let start.
// SPDX-License-Identifier: Apache-2.0
import Commands
import Sockets
import Testing

@testable import Console
@testable import TestSupport
@testable import parleyd

@Suite struct OfficeTests {
    private final class Program: Killable {
        private(set) var kills = 0
        func recordKill() { kills += 1 }
    }

    private static func office(on loop: EventLoop) throws -> Office {
        let options = try ServerOptions(["command", "--plaintext"])
        return try Office(
            options, nil, loop: loop, log: Log(program: "parleyd", loop: loop),
            policy: try Policy(options), loops: 1)
    }

    @Test func aProgram_isCountedAndKilledWithTheServerUntilItHasEnded() async throws {
        try await onLoop { loop in
            let office = try Self.office(on: loop)
            let (first, second) = (Program(), Program())
            office.starts(first)
            office.starts(second)
            #expect(office.counts.programs == 2)
            office.ended(first)
            #expect(office.counts.programs == 1)
            office.recordKills()
            #expect((first.kills, second.kills) == (0, 1))
        }
    }

    @Test func whoLeaves_isToldOfOnceTheServerEnds() async throws {
        try await onLoop { loop in
            let office = try Self.office(on: loop)
            let (first, second) = (Program(), Program())
            office.starts(first)
            office.starts(second)
            office.ended(first)
            #expect(!office.isEnding)
            var told: [Counts] = []
            office.beginEnding { [unowned office] _ in told.append(office.counts) }
            #expect(office.isEnding)
            office.note(connections: 1, at: 0)
            office.ended(second)
            office.note(connections: 0, at: 0)
            // Whoever were still counted then would be waited for, and is told of once only.
            #expect(told == [Counts(sessions: 1, programs: 1), Counts(sessions: 1), Counts()])
        }
    }

    @Test func aReload_isOneGeneration() async throws {
        try await onLoop { loop in
            let office = try Self.office(on: loop)
            let before = office.policy
            try office.enforce(Policy(after: before, table: .tutorial))
            #expect(office.policy.generation == before.generation + 1)
        }
    }
}
