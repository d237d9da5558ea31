// Who is counted: connections from any thread, and at the broker programs and what loops say.
// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import parleyd

@Suite struct CensusTests {
    @Test func asManySessionsAsMay_areLetIn() {
        let census = Census()
        #expect(census.sessionComes(limit: 2))
        #expect(census.sessionComes(limit: 2))
        #expect(!census.sessionComes(limit: 2))
        census.sessionEnded()
        census.sessionEnded()
        #expect(census.sessionComes(limit: 2))
        // For one that is about to go.
        census.sessionComesAnyway()
        #expect(!census.sessionComes(limit: 2))
        census.sessionEnded()
        #expect(census.sessionComes(limit: 2))
        #expect((census.nextSession, census.nextSession) == (1, 2))
    }

    @Test func asManyAsMay_areToldThatThereIsNoPlace() {
        let census = Census()
        #expect(census.tellingBegins(limit: 2))
        #expect(census.tellingBegins(limit: 2))
        #expect(!census.tellingBegins(limit: 2))
        census.tellingEnds()
        #expect(census.tellingBegins(limit: 2))
        #expect(census.sessionComes(limit: 1))
    }

    @Test func aLoopThatHasSaidNothing_isWaitedFor() {
        var attendance = Attendance(loops: 2)
        #expect(attendance.counts == Counts(sessions: 2, programs: 0))
        attendance.note(connections: 0, at: 0)
        #expect(attendance.counts == Counts(sessions: 1, programs: 0))
        attendance.note(connections: 3, at: 1)
        attendance.programStarts()
        #expect(attendance.counts == Counts(sessions: 3, programs: 1))
        attendance.note(connections: 0, at: 1)
        attendance.programEnded()
        #expect(attendance.counts == Counts())
    }
}
