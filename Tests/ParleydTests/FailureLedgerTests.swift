// What is told of failed handshakes, and when.
// SPDX-License-Identifier: Apache-2.0
import TLS
import Testing

@testable import Broker
@testable import Console
@testable import Sockets
@testable import System
@testable import parleyd

@Suite struct FailureLedgerTests {
    private final class Book {
        var strangers: Strangers
        var now = Moment(nanoseconds: 5_000_000_000)

        init() throws {
            let arguments = try Arguments([], flags: [], valued: StrangerLimits.options)
            strangers = Strangers(try StrangerLimits(arguments, maxSessions: 100))
        }

        func isTold(
            _ code: StreamError.Code = .reset, _ address: [UInt8] = [192, 0, 2, 1],
            isExempt: Bool = false
        ) throws -> Bool {
            let socket = try #require(SocketAddress(address, port: 1))
            let who = Stranger(neighbourhood: Neighbourhood(of: socket), isExempt: isExempt)
            return strangers.note(code, of: who, at: now)
        }

        func tells(after span: Duration, isEnd: Bool = false) -> [FailureLedger.Entry] {
            now = now + span
            return strangers.tell(at: now, isEnd: isEnd)
        }
    }

    @Test func theFirst_isToldAtOnce_andTheOthersOnceAMinute() throws {
        let book = try Book()
        #expect(book.strangers.due == nil)
        #expect(try book.isTold())
        #expect(book.strangers.due == book.now + .seconds(60))
        for _ in 0..<3 { #expect(try !book.isTold()) }
        #expect(try !book.isTold(.handshakeTimedOut))
        #expect(try book.isTold(.reset, [192, 0, 2, 2]))
        #expect(book.tells(after: .milliseconds(59_999)).isEmpty)
        let told = book.tells(after: .milliseconds(1))
        #expect(told.count == 1)
        #expect(told[0].neighbourhood?.description == "192.0.2.1")
        #expect((told[0].tally.count, told[0].span) == (4, .seconds(60)))
        #expect(told[0].tally.words == "reset 3, handshakeTimedOut 1")
        // It goes on, or it doesn't.
        #expect(try !book.isTold())
        #expect(book.tells(after: .seconds(60)).map(\.tally.count) == [1])
        #expect(book.tells(after: .seconds(60)).isEmpty)
        #expect(book.strangers.due == nil)
        #expect(try book.isTold())
    }

    @Test func whatIsUntold_isToldAtTheEnd() throws {
        let book = try Book()
        for last in 1...3 as ClosedRange<UInt8> {
            for _ in 0..<3 { _ = try book.isTold(.reset, [192, 0, 2, last]) }
        }
        #expect(book.tells(after: .seconds(1), isEnd: true).map(\.tally.count) == [2, 2, 2])
        #expect(book.tells(after: .seconds(60), isEnd: true).isEmpty)
        for number in 0..<300 {
            for _ in 0..<2 {
                _ = try book.isTold(.reset, [10, 0, UInt8(number >> 8), UInt8(number & 255)])
            }
        }
        let told = book.tells(after: .seconds(1), isEnd: true)
        #expect(told.count == 101 && told.last?.addresses == 200)
        #expect(told.reduce(0) { $0 + $1.tally.count } == 300)
    }

    /// Ten lines a second, a thousand at once; the rest is one line, and nothing of it is lost.
    @Test func altogether_noMoreIsToldThanALogBears() throws {
        let book = try Book()
        var told = 0
        for number in 0..<4_000 {
            let address: [UInt8] = [10, 0, UInt8(number >> 8), UInt8(number & 255)]
            if try book.isTold(.reset, address) { told += 1 }
            #expect(try !book.isTold(.handshakeEnded, address))
        }
        #expect(told == 1_000)
        var (lines, counted) = (0, 0)
        for _ in 0..<3 {
            for entry in book.tells(after: .seconds(60)) {
                lines += 1
                counted += entry.tally.count
                #expect((entry.neighbourhood == nil) == (entry.addresses > 1))
            }
        }
        #expect(told + counted == 8_000)
        #expect(lines <= 602, "\(lines)")
    }

    @Test func clientsOfAnExemptAddress_areToldOneByOne_asFarAsALogBearsIt() throws {
        let book = try Book()
        for _ in 0..<1_000 { #expect(try book.isTold(isExempt: true)) }
        for _ in 0..<7 { #expect(try !book.isTold(isExempt: true)) }
        // Others have lines of their own.
        #expect(try book.isTold(.reset, [192, 0, 2, 2]))
        #expect(book.tells(after: .seconds(60)).map(\.tally.count) == [7])
    }

    @Test func kinds_areCounted_uptoABound() {
        var tally = FailureTally()
        for number in 0..<20 { tally.add(StreamError.Code(rawValue: "x\(number)")) }
        tally.add(.leftWithoutAWord)
        var twice = FailureTally()
        twice.add(tally)
        twice.add(tally)
        #expect(twice.count == 42)
        #expect(twice.told.count == StrangersPost.maxReasons)
        #expect(twice.told.reduce(0) { $0 + Int($1.count) } == 42)
        #expect(twice.told.last?.code == "others")
    }

    @Test func whoOnlyKnocked_isInTheLog_andNotInTheTrail() {
        var tally = FailureTally()
        for _ in 0..<5 { tally.add(.leftWithoutAWord) }
        #expect(tally.withoutKnocks.count == 0 && tally.withoutKnocks.main == nil)
        tally.add(.reset)
        #expect(tally.withoutKnocks.count == 1 && tally.withoutKnocks.main == .reset)
        #expect(tally.count == 6 && tally.main == .leftWithoutAWord)
    }
}
