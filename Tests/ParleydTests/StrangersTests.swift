// Who gets a place at the door, who gives way, and what is known of addresses.
// SPDX-License-Identifier: Apache-2.0
import TLS
import Testing

@testable import Console
@testable import Sockets
@testable import System
@testable import parleyd

@Suite struct StrangersTests {
    /// Four places, two for each address, ten failures a second; at a time that moves when told.
    private final class Hall {
        var strangers: Strangers
        var now = Moment(nanoseconds: 1_000_000_000_000)
        private var last = 0

        init(_ words: String..., places: Int = 4) throws {
            let given =
                ["--max-handshakes=\(places)", "--max-handshakes-per-address=2"] + words
            let arguments = try Arguments(given, flags: [], valued: StrangerLimits.options)
            strangers = Strangers(try StrangerLimits(arguments, maxSessions: 100))
        }

        func who(_ address: String, isExempt: Bool = false) throws -> Stranger {
            let bytes = try #require(NumericAddress.bytes(address))
            let socket = try #require(SocketAddress(bytes, port: 1))
            return Stranger(neighbourhood: Neighbourhood(of: socket), isExempt: isExempt)
        }

        func comes(
            _ address: String, isExempt: Bool = false, isFull: Bool = false
        ) throws -> Strangers.Arrival {
            let who = try who(address, isExempt: isExempt)
            return strangers.come(who, to: 3, isFull: isFull, at: now) {
                last += 1
                return last
            }
        }

        /// Whoever comes is let in; with the number of who gave way.
        func enters(
            _ address: String, isExempt: Bool = false, isFull: Bool = false
        ) throws -> (pass: Strangers.Pass, loser: Int?) {
            guard
                case .welcome(let pass, insteadOf: let loser) =
                    try comes(address, isExempt: isExempt, isFull: isFull)
            else { throw NotLetIn() }
            return (pass, loser?.number)
        }

        func isRefused(
            _ address: String, isExempt: Bool = false, isFull: Bool = false
        ) throws -> Closing? {
            let arrival = try comes(address, isExempt: isExempt, isFull: isFull)
            switch arrival {
            case .refused(let closing): return closing
            case .welcome(let pass, insteadOf: _):
                strangers.leave(pass)
                return nil
            }
        }

        func fails(
            _ address: String, _ code: StreamError.Code = .reset, isExempt: Bool = false
        ) throws -> Bool {
            strangers.note(code, of: try who(address, isExempt: isExempt), at: now)
        }

        func leaves(_ pass: Strangers.Pass) -> Bool { strangers.leave(pass) }

        func renames(_ pass: Strangers.Pass, _ who: Stranger) -> Closing? {
            strangers.rename(pass, who, at: now)
        }

        func passes(_ span: Duration) { now = now + span }
    }

    private struct NotLetIn: Error {}

    // MARK: Places

    @Test func anAddress_hasSoManyPlaces_andAgainWhenOneIsFree() throws {
        let hall = try Hall()
        let first = try hall.enters("192.0.2.1").pass
        _ = try hall.enters("192.0.2.1")
        #expect(try hall.isRefused("192.0.2.1") == .tooManyHandshakes)
        _ = try hall.enters("192.0.2.2")
        #expect(hall.leaves(first))
        #expect(!hall.leaves(first))
        _ = try hall.enters("192.0.2.1")
        #expect(try hall.isRefused("192.0.2.1") == .tooManyHandshakes)
        #expect(hall.strangers.count == 3)
    }

    @Test func where_noPlaceIsLeft_theOldestOfWhoHasMostGivesWay() throws {
        let hall = try Hall()
        _ = try hall.enters("192.0.2.9")
        let first = try hall.enters("192.0.2.1").pass
        let second = try hall.enters("192.0.2.1").pass
        _ = try hall.enters("192.0.2.2")
        let newcomer = try hall.enters("192.0.2.3")
        #expect(newcomer.loser == first.number)
        #expect(!hall.strangers.isHeld(first) && hall.strangers.isHeld(second))
        #expect(!hall.leaves(first))
        // All have one: who has had it for longest.
        #expect(try hall.enters("192.0.2.4").loser == 1)
        #expect(hall.strangers.count == 4)
    }

    /// Whoever comes to an address that has most makes room for itself.
    @Test func aNewcomer_alwaysGetsIn() throws {
        let hall = try Hall()
        for number in 0..<1_000 {
            _ = try hall.enters("10.0.\(number / 250).\(number % 250)")
            #expect(hall.strangers.count == min(number + 1, 4))
        }
    }

    @Test func whereSessionsAreFull_aStrangerGivesWay_andWithoutOneNobodyComesIn() throws {
        let hall = try Hall()
        #expect(try hall.isRefused("192.0.2.1", isFull: true) == .tooManySessions)
        let first = try hall.enters("192.0.2.1").pass
        #expect(try hall.enters("192.0.2.2", isFull: true).loser == first.number)
        #expect(hall.strangers.count == 1)
    }

    @Test func whoIsExempt_hasNoLimitOfItsOwn_andGivesWayLast() throws {
        let hall = try Hall("--max-failed-handshakes=1")
        for _ in 0..<3 { _ = try hall.enters("192.0.2.1", isExempt: true) }
        for _ in 0..<10 {
            #expect(try hall.fails("192.0.2.1", isExempt: true))
        }
        let first = try hall.enters("192.0.2.2").pass
        let second = try hall.enters("192.0.2.3")
        #expect(second.loser == first.number)
        hall.strangers.leave(second.pass)
        _ = try hall.enters("192.0.2.1", isExempt: true)
        // Nobody else is there.
        #expect(try hall.enters("192.0.2.3").loser == 1)
    }

    /// An attacker with very many addresses must not end those who have several connections.
    @Test func whoHasSaidSomething_givesWayAfterAllWhoHaveNot() throws {
        let hall = try Hall()
        let passes = try ["1", "1", "2", "3"].map { try hall.enters("192.0.2.\($0)").pass }
        for pass in passes.prefix(3) { hall.strangers.hear(pass) }
        hall.strangers.hear(passes[0])
        #expect(try hall.enters("192.0.2.5").loser == passes[3].number)
        let newcomer = try hall.enters("192.0.2.6")
        #expect(newcomer.loser == 5)
        hall.strangers.hear(newcomer.pass)
        // All have.
        #expect(try hall.enters("192.0.2.7").loser == passes[0].number)
        for pass in [passes[1], passes[2], newcomer.pass] { #expect(hall.leaves(pass)) }
        #expect(hall.strangers.count == 1)
    }

    /// Attackers who have all places by a byte each must not have one newcomer throw out the other.
    @Test func aFewWhoHaveSaidNothing_giveWayAfterAllWhoHave() throws {
        let hall = try Hall(places: 16)
        let attackers = try (1...16).map { try hall.enters("192.0.2.\($0)").pass }
        for pass in attackers { hall.strangers.hear(pass) }
        for (number, pass) in attackers.prefix(2).enumerated() {
            #expect(try hall.enters("198.51.100.\(number)").loser == pass.number)
        }
        // One of three is silent for longest.
        let third = try hall.enters("198.51.100.3")
        #expect(third.loser == attackers[2].number)
        #expect(try hall.enters("198.51.100.4").loser == attackers[2].number + 14)
        #expect(hall.strangers.isHeld(third.pass))
    }

    @Test func whoIsExempt_givesWayAfterStrangersWhoHaveSaidSomething() throws {
        let hall = try Hall()
        let balancer = try hall.enters("192.0.2.9", isExempt: true).pass
        let others = try ["1", "2", "3"].map { try hall.enters("192.0.2.\($0)").pass }
        for pass in others { hall.strangers.hear(pass) }
        #expect(try hall.enters("192.0.2.9", isExempt: true).loser == others[0].number)
        #expect(hall.strangers.isHeld(balancer))
    }

    @Test func aClientBehindABalancer_takesItsPlaceAlong() throws {
        let hall = try Hall()
        _ = try hall.enters("192.0.2.1")
        _ = try hall.enters("192.0.2.1")
        let one = try hall.enters("192.0.2.9", isExempt: true).pass
        let other = try hall.enters("192.0.2.9", isExempt: true).pass
        let (client, crowded) = (try hall.who("192.0.2.2"), try hall.who("192.0.2.1"))
        #expect(hall.renames(one, client) == nil)
        #expect(hall.renames(other, crowded) == .tooManyHandshakes)
        #expect(hall.leaves(one) && hall.leaves(other))
        #expect(hall.renames(one, client) == .gaveWay)
        #expect(hall.strangers.count == 2)
    }

    // MARK: Failures

    @Test func failures_areAllowedInBursts_andASecond() throws {
        let hall = try Hall("--max-failed-handshakes=2")
        for _ in 0..<10 {
            #expect(try hall.isRefused("192.0.2.1") == nil)
            hall.strangers.leave(try hall.enters("192.0.2.2").pass)
            _ = try hall.fails("192.0.2.1")
        }
        #expect(try hall.isRefused("192.0.2.1") == .tooManyFailures)
        #expect(try hall.isRefused("192.0.2.2") == nil)
        hall.passes(.milliseconds(499))
        #expect(try hall.isRefused("192.0.2.1") == .tooManyFailures)
        hall.passes(.milliseconds(1))
        #expect(try hall.isRefused("192.0.2.1") == nil)
        _ = try hall.fails("192.0.2.1", .leftWithoutAWord)
        #expect(try hall.isRefused("192.0.2.1") == .tooManyFailures)
        hall.passes(.seconds(5))
        #expect(try hall.isRefused("192.0.2.1") == nil)
    }

    /// Handshakes that were under way together can fail beyond the budget, and are made up for.
    @Test func whatWasTooMuch_isOwed() throws {
        let hall = try Hall("--max-failed-handshakes=2")
        for _ in 0..<20 { _ = try hall.fails("192.0.2.1") }
        hall.passes(.milliseconds(5_499))
        #expect(try hall.isRefused("192.0.2.1") == .tooManyFailures)
        hall.passes(.milliseconds(1))
        #expect(try hall.isRefused("192.0.2.1") == nil)
    }

    /// What costs nobody anything keeps nobody out.
    @Test(arguments: [
        StreamError.Code.tooManyFailures, .tooManyHandshakes, .tooManySessions, .turnedAway,
        .cancelled,
        .noSignature,
    ])
    func whatIsNotTheClientsDoing_isNotHeldAgainstIt(_ code: StreamError.Code) throws {
        let hall = try Hall("--max-failed-handshakes=1")
        for _ in 0..<100 { _ = try hall.fails("192.0.2.1", code) }
        #expect(try hall.isRefused("192.0.2.1") == nil)
    }

    // MARK: What is known

    @Test func whatIsKnown_isBounded_andForgotten() throws {
        let hall = try Hall()
        for number in 0..<20_000 {
            _ = try hall.fails("10.\(number >> 16).\(number >> 8 & 255).\(number & 255)")
        }
        #expect(hall.strangers.known == 4 + 8_192)
        // All of them were told, or are told together: none is lost.
        hall.passes(.seconds(60))
        var told = 1_000
        for entry in hall.strangers.tell(at: hall.now) { told += entry.tally.count }
        hall.passes(.seconds(60))
        for entry in hall.strangers.tell(at: hall.now) { told += entry.tally.count }
        hall.passes(.seconds(60))
        for entry in hall.strangers.tell(at: hall.now) { told += entry.tally.count }
        #expect(told == 20_000)
        // Each arrival forgets two, and is forgotten when all is over.
        for number in 0..<8_192 where number % 2 == 0 {
            hall.strangers.leave(try hall.enters("2001:db8:0:\(String(number, radix: 16))::1").pass)
        }
        hall.passes(.seconds(60))
        for _ in 0..<8_200 { hall.strangers.leave(try hall.enters("192.0.2.1").pass) }
        #expect(hall.strangers.known <= 2)
    }

    /// A pass from before all was forgotten opens nothing.
    @Test func aPassOfOld_isNoPass() throws {
        let hall = try Hall()
        let passes = try (1...4).map { try hall.enters("192.0.2.\($0)").pass }
        for pass in passes { hall.strangers.leave(pass) }
        for _ in 0..<4 { hall.strangers.leave(try hall.enters("192.0.2.9").pass) }
        for pass in passes {
            #expect(!hall.strangers.isHeld(pass) && !hall.leaves(pass))
        }
    }

    // Against a table that is looked through from end to end, for whatever comes.
    @Test func whoGivesWay_isAlwaysWhoShould() throws {
        let hall = try Hall("--max-handshakes=7")
        var generator = SystemRandomNumberGenerator()
        var model: [(number: Int, address: Int)] = []
        var passes: [Int: Strangers.Pass] = [:]
        for _ in 0..<5_000 {
            if Bool.random(using: &generator), let gone = model.randomElement() {
                let pass = try #require(passes[gone.number])
                #expect(hall.leaves(pass))
                model.removeAll { $0.number == gone.number }
            }
            let address = Int.random(in: 1...5)
            let counts = Dictionary(grouping: model, by: \.address).mapValues(\.count)
            guard counts[address, default: 0] < 2 else {
                #expect(try hall.isRefused("192.0.2.\(address)") == .tooManyHandshakes)
                continue
            }
            let isFull = model.count == 7
            let (pass, loser) = try hall.enters("192.0.2.\(address)")
            passes[pass.number] = pass
            #expect((loser != nil) == isFull)
            if let loser {
                let victim = try #require(model.first { $0.number == loser })
                #expect(counts[victim.address] == counts.values.max())
                #expect(model.first { $0.address == victim.address }?.number == loser)
                model.removeAll { $0.number == loser }
            }
            model.append((pass.number, address))
            #expect(hall.strangers.count == model.count)
        }
    }
}
