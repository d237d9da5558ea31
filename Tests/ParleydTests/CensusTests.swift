// Who is counted, from any thread.
// SPDX-License-Identifier: Apache-2.0
import Synchronization
import Testing

@testable import parleyd

@Suite struct CensusTests {
    @Test func asManySessionsAsMay_areLetIn() {
        let census = Census()
        #expect(census.sessionComes(most: 2))
        #expect(census.sessionComes(most: 2))
        #expect(!census.sessionComes(most: 2))
        #expect(census.counts == Counts(sessions: 2, programs: 0))
        census.sessionEnded()
        #expect(census.sessionComes(most: 2))
    }

    @Test func whoLeaves_isToldOfOnceTheServerEnds() {
        let census = Census()
        let departures = Mutex<[Census.Departure]>([])
        for _ in 1...2 {
            #expect(census.sessionComes(most: 2))
            census.programStarts()
        }
        census.sessionEnded()
        census.programEnded()
        #expect(!census.isEnding)
        census.beginEnding { departure in departures.withLock { $0.append(departure) } }
        #expect(census.isEnding)
        #expect(departures.withLock { $0 } == [])
        census.programEnded()
        census.sessionEnded()
        #expect(departures.withLock { $0 } == [.program, .session])
        #expect(census.counts == Counts())
    }

    /// The last one leaves just when the server begins to end: it is told of, or not counted any more.
    @Test(arguments: 0..<200) func aLastOneThatLeavesMeanwhile_isNotMissed(_ round: Int) async {
        let census = Census()
        #expect(census.sessionComes(most: 1))
        let isToldOf = Atomic<Bool>(false)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { census.sessionEnded() }
            let isSeen = {
                census.beginEnding { _ in isToldOf.store(true, ordering: .relaxed) }
                return census.counts == Counts()
            }()
            await group.waitForAll()
            #expect(isSeen || isToldOf.load(ordering: .relaxed))
        }
    }
}
