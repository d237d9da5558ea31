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

    @Test func whoLeaves_isToldOfOnceTheServerEndsAndNotCountedAnyMore() {
        let census = Census()
        let departures = Mutex<[Departed]>([])
        for _ in 1...2 {
            #expect(census.sessionComes(most: 2))
            census.programStarts()
        }
        census.sessionEnded()
        census.programEnded()
        #expect(!census.isEnding)
        census.beginEnding { departure in
            // Whoever were still counted now would be waited for, and is told of once only.
            let told = Departed(departure: departure, counts: census.counts)
            departures.withLock { $0.append(told) }
        }
        #expect(census.isEnding)
        #expect(departures.withLock { $0 } == [])
        #expect(census.counts == Counts(sessions: 1, programs: 1))
        census.programEnded()
        census.sessionEnded()
        let expected = [
            Departed(departure: .program, counts: Counts(sessions: 1, programs: 0)),
            Departed(departure: .session, counts: Counts(sessions: 0, programs: 0)),
        ]
        #expect(departures.withLock { $0 } == expected)
    }

    private struct Departed: Equatable {
        let departure: Census.Departure
        let counts: Counts
    }
}
