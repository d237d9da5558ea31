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
            Commons(options: options, audit: nil), loop: loop,
            log: Log(program: "parleyd", loop: loop), policy: try Policy(options))
    }

    @Test func aProgram_isCountedAndKilledWithTheServerUntilItHasEnded() async throws {
        try await onLoop { loop in
            let office = try Self.office(on: loop)
            let (first, second) = (Program(), Program())
            office.starts(first)
            office.starts(second)
            #expect(office.commons.census.counts == Counts(sessions: 0, programs: 2))
            office.ended(first)
            #expect(office.commons.census.counts == Counts(sessions: 0, programs: 1))
            office.recordKills()
            #expect((first.kills, second.kills) == (0, 1))
        }
    }

    @Test func aReload_isOneGeneration() async throws {
        try await onLoop { loop in
            let office = try Self.office(on: loop)
            let before = office.policy
            try office.enforce(Policy(after: before, table: .documents))
            #expect(office.policy.generation == before.generation + 1)
        }
    }
}
