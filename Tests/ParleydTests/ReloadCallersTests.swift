// Who is told how a reload went.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Sockets
@testable import TestSupport
@testable import parleyd

@Suite(.timeLimit(.minutes(1)))
struct ReloadCallersTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func socket(_ process: Int32) throws -> LocalDatagrams {
        try LocalDatagrams(at: ReloadOutcome.path(folder.path, of: process))
    }

    private func heard(_ socket: LocalDatagrams) -> ReloadOutcome? {
        socket.receive(limit: ReloadOutcome.longest).flatMap { ReloadOutcome($0) }
    }

    @Test func eachIsToldOfTheReadingThatItHasAskedFor() throws {
        var callers = ReloadCallers(folder: folder.path)
        let (first, second) = (try socket(10), try socket(20))
        callers.add(10, isLate: false)
        callers.add(20, isLate: true)
        // One that waits for nothing, and one whom nobody knows.
        callers.add(30, isLate: false)
        callers.add(0, isLate: false)
        callers.note("the table is bad")
        callers.note("the trail is away", isLate: true)
        callers.answer()
        #expect(heard(first) == ReloadOutcome(failures: ["the table is bad"]))
        callers.answer()
        #expect(heard(second) == ReloadOutcome(failures: ["the trail is away"]))
        // Nobody is told twice.
        callers.note("again")
        callers.answer()
        #expect(!hasMore(first) && !hasMore(second))
    }

    private func hasMore(_ socket: LocalDatagrams) -> Bool {
        // What would lie there is in front of this one.
        LocalDatagrams.send([0], to: Array(socket.name.utf8))
        return socket.receive(limit: 8) != [0]
    }

    @Test(arguments: [[], ["one"], ["one", "two"], ["a\nb"]] as [[String]])
    func outcomes_areReadAsTheyWereWritten(_ failures: [String]) {
        let outcome = ReloadOutcome(ReloadOutcome(failures: failures).bytes)
        #expect(outcome?.failures == failures.map { $0 == "a\nb" ? "a\\x0ab" : $0 })
    }

    @Test(arguments: [[], [0x2b, 0x20], [0x20], [0x00]] as [[UInt8]])
    func otherBytes_areNoOutcome(_ bytes: [UInt8]) {
        #expect(ReloadOutcome(bytes) == nil)
    }

    @Test func longSentences_areCut() {
        let outcome = ReloadOutcome(failures: [String(repeating: "x", count: 1 << 20)])
        #expect(outcome.bytes.count == ReloadOutcome.longest)
    }
}
