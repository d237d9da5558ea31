// How much matching a turn of the broker's loop may have.
// SPDX-License-Identifier: Apache-2.0
import Commands
import System
import Testing

@testable import Broker
@testable import Remote
@testable import Sockets
@testable import TestSupport

@Suite(.timeLimit(.minutes(1)))
struct TurnWorkTests {
    private final class Channel {}

    /// Lets channels ask one after the other, each as often as it may, and has them pay for each time.
    ///
    /// - Returns: how often each was admitted in that turn.
    private static func turn(
        _ work: TurnWork, _ channels: [Channel], paying steps: Int
    ) async -> [Int] {
        await turns(2)
        return channels.map { channel in
            var count = 0
            while count < 64, work.admits(channel) {
                work.spend(steps, for: channel)
                count += 1
            }
            return count
        }
    }

    @Test func aTurn_hasABound_andNobodyWaitsForEver() async throws {
        try await onLoop { loop in
            let work = TurnWork(on: loop)
            let channels = (0..<5).map { _ in Channel() }
            var sums = [0, 0, 0, 0, 0]
            for _ in 0..<20 {
                let counts = await Self.turn(work, channels, paying: MatchingWork.limit)
                #expect(work.spent <= 4 * MatchingWork.limit)
                #expect(counts.reduce(0, +) > 0)
                for (index, count) in counts.enumerated() { sums[index] += count }
            }
            #expect(sums.min()! >= 2, "\(sums)")
        }
    }

    @Test func whatCostsNothing_isNotHeldUp() async throws {
        try await onLoop { loop in
            let work = TurnWork(on: loop)
            let channels = (0..<3).map { _ in Channel() }
            for _ in 0..<3 {
                #expect(await Self.turn(work, channels, paying: 10) == [64, 64, 64])
            }
        }
    }

    /// 64 requests a turn, of each of several loops, each of which costs what one may.
    @Test func requestsThatCostMuch_areSharedOutOverTurns() async throws {
        try await onLoop { loop in
            let office = try TestOffice(
                "dear: {run: ['/bin/true', '{a}'], arguments: {a: '([a-z]|[a-y]|[a-x]|[a-w])*0'}, allow: ['anyone']}"
            )
            let work = TurnWork(on: loop)
            var spent: [UInt64: Int] = [:]
            office.refused = {
                spent[loop.turns, default: 0] = max(spent[loop.turns] ?? 0, work.spent)
            }
            let networks = try (0..<3).map { _ in try TestNetwork(office, loop, work: work) }
            let value = String(repeating: "a", count: 30_000)
            for network in networks {
                network.begin()
                for _ in 0..<8 { network.run("dear", [value]) }
            }
            try await eventually("all are answered") { office.refusals.count == 24 }
            try await eventually("all are told") { networks.allSatisfy { $0.posts.count == 8 } }
            let most = spent.values.max() ?? 0
            let one = MatchingWork.limit + TurnWork.post + TurnWork.byte * 31_000
            #expect(most <= 2 * TurnWork.limit + 2 * one, "\(most)")
            #expect(most > MatchingWork.limit / 4, "\(most): it costs too little to show anything")
            #expect(spent.count >= 6)
            #expect(networks.allSatisfy { $0.end == nil })
        }
    }

    /// What isn't matched costs as well: the bytes of a request, and an answer that is made of a whole table.
    @Test(arguments: ["help", "nothing", "short"])
    func whatCostsOtherThanByMatching_isSharedOutOverTurns(_ what: String) async throws {
        try await onLoop { loop in
            let office = try TestOffice(
                (0..<2_000).map { "c\($0): {run: ['/bin/true'], allow: ['anyone']}" }
                    .joined(separator: ","))
            let work = TurnWork(on: loop)
            var spent: [UInt64: Int] = [:]
            office.told = { spent[loop.turns] = work.spent }
            let networks = try (0..<3).map { _ in try TestNetwork(office, loop, work: work) }
            let arguments = Array(repeating: String(repeating: "a", count: 500), count: 60)
            let request = what == "nothing" ? arguments : []
            let count = what == "short" ? 300 : 30
            for network in networks {
                network.begin()
                for _ in 0..<count { network.run(what, request) }
            }
            try await eventually("all are told") {
                networks.allSatisfy { $0.posts.count == count }
            }
            let most = spent.values.max() ?? 0
            let (text, length) =
                what == "help" ? (2_000 * 8, 2_000 * TurnWork.entry) : (0, 0)
            let size = request.reduce(64) { $0 + $1.utf8.count + 4 }
            let one = TurnWork.post + TurnWork.byte * (size + text) + length
            #expect(most <= 2 * TurnWork.limit + 2 * one, "\(most)")
            // As many turns at least as all of it takes, where each of two budgets is overdrawn by one.
            let all = 3 * count * (TurnWork.post + TurnWork.byte * (size - 64) + length)
            #expect(spent.count >= all / (2 * TurnWork.limit + 2 * one), "\(spent.count)")
            #expect(most > TurnWork.limit / 4, "\(most): it costs too little to show anything")
            #expect(networks.allSatisfy { $0.end == nil })
        }
    }
}
