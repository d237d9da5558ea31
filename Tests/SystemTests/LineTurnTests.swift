// Whose line it is, where two write to one place.
// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import System

@Suite
struct LineTurnTests {
    @Test func whoHasBegunALine_goesOnAlone_untilItsEnd() {
        let turn = LineTurn()
        #expect(turn.attempt(as: .trail) { (3, false) } == 3)
        #expect(turn.attempt(as: .log) { (1, true) } == nil)
        #expect(turn.attempt(as: .trail) { (2, false) } == 2)
        #expect(turn.attempt(as: .log) { (1, true) } == nil)
        #expect(turn.attempt(as: .trail) { (2, true) } == 2)
        #expect(turn.attempt(as: .log) { (4, false) } == 4)
        #expect(turn.attempt(as: .trail) { (1, true) } == nil)
    }

    @Test func whatIsNotWritten_changesNothing_andKeepsItsReason() {
        let turn = LineTurn()
        let count = turn.attempt(as: .trail) {
            errno = EAGAIN
            return (-1, false)
        }
        #expect(count == -1 && errno == EAGAIN)
        #expect(turn.attempt(as: .log) { (1, false) } == 1)
        _ = turn.attempt(as: .log) { (-1, false) }
        #expect(turn.attempt(as: .trail) { (1, true) } == nil)
    }

    @Test func whoCanNotGoOn_letsTheOtherOneWrite() {
        let turn = LineTurn()
        _ = turn.attempt(as: .trail) { (3, false) }
        turn.giveUp(as: .log)
        #expect(turn.attempt(as: .log) { (1, true) } == nil)
        turn.giveUp(as: .trail)
        #expect(turn.attempt(as: .log) { (1, true) } == 1)
    }
}
