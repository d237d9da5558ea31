// Connections that have not finished a handshake, by their addresses.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import System

/// Who waits at the door, and whose handshakes have failed lately. All loops share one of these behind a lock, so that each
/// call takes the same time, however many there are. Its size is bounded by `StrangerLimits`: what is forgotten
/// because of that is still counted.
struct Strangers {
    /// A place at the door, as its connection has it.
    struct Pass: Sendable {
        fileprivate let place: Int
        /// The connection's, of all loops.
        let number: Int
        let loop: Int
    }

    enum Arrival {
        /// It has a place; where there was none left, another connection has given way.
        case welcome(Pass, insteadOf: Pass?)
        case refused(Closing)
    }

    private let limits: StrangerLimits
    private let failures: Allowance
    private var places: [Place] = []
    private var freePlaces: [Int] = []
    private var placeLinks = Links()
    private var held = 0
    private var addresses: [Address] = []
    private var freeAddresses: [Int] = []
    private var index: [Stranger: Int] = [:]
    /// Addresses by how many places they have, those that came to a number first before the others; with none, those that
    /// were heard of last at the end.
    private var levels: [Chain]
    /// Those with one place whose connection has said something, in place of the first level: they give way last.
    private let spoken: Int
    private var levelLinks = Links()
    /// No address is at a higher level.
    private var highest = 0
    private var ledger = FailureLedger()

    private struct Place {
        /// 0 where nobody has it.
        var number: Int
        var loop: Int32
        var address: Int32
        /// Whether its client has said something.
        var hasSpoken = false
    }

    private struct Address {
        let who: Stranger
        var count = 0
        /// Of how many of its places the clients have said something.
        var spoken = 0
        /// Of its places, the oldest first.
        var chain = Chain()
        /// When it may have as many failures at once as anybody.
        var full = Moment(nanoseconds: 0)
    }

    init(_ limits: StrangerLimits) {
        self.limits = limits
        failures = Allowance(limits.failuresASecond, burst: limits.failuresAtOnce)
        let most = min(limits.mostOfAddress, limits.mostHandshakes)
        levels = Array(repeating: Chain(), count: most + 2)
        spoken = most + 1
    }

    // MARK: Places

    /// How many wait.
    var count: Int { held }
    /// How many addresses are known.
    var known: Int { index.count }

    /// Somebody has connected.
    ///
    /// - Parameters:
    ///   - loop: the one that is to have the connection.
    ///   - isFull: whether no more connections may be open: somebody has to give way, then.
    ///   - number: gives the connection one, where it is welcome; above 0.
    mutating func come(
        _ who: Stranger, to loop: Int, isFull: Bool = false, at now: Moment, number: () -> Int
    ) -> Arrival {
        forgetSome(at: now)
        if let closing = objection(to: who, at: now) { return .refused(closing) }
        var loser: Pass?
        if isFull || held >= limits.mostHandshakes {
            loser = last(of: highestAddress)
            guard let loser else { return .refused(.tooManySessions) }
            leave(loser)
        }
        let place = freePlaces.popLast() ?? places.count
        if place == places.count {
            places.append(Place(number: 0, loop: 0, address: 0))
            placeLinks.grow()
        }
        let pass = Pass(place: place, number: number(), loop: loop)
        places[place] = Place(number: pass.number, loop: Int32(loop), address: 0)
        held += 1
        seat(place, at: self.place(of: who))
        return .welcome(pass, insteadOf: loser)
    }

    /// It is known who has connected through a balancer.
    ///
    /// - Returns: why it may not stay, where it may not; it keeps its place until it leaves.
    mutating func rename(_ pass: Pass, _ who: Stranger, at now: Moment) -> Closing? {
        guard isHeld(pass) else { return .gaveWay }
        if let closing = objection(to: who, at: now) { return closing }
        unseat(pass.place)
        seat(pass.place, at: place(of: who))
        return nil
    }

    /// A connection's handshake is done, or the connection is closed.
    ///
    /// - Returns: false where it has given way before.
    @discardableResult
    mutating func leave(_ pass: Pass) -> Bool {
        guard isHeld(pass) else { return false }
        unseat(pass.place)
        places[pass.place].number = 0
        freePlaces.append(pass.place)
        held -= 1
        return true
    }

    /// A connection's first byte has come.
    mutating func hear(_ pass: Pass) {
        guard isHeld(pass), !places[pass.place].hasSpoken else { return }
        let address = Int(places[pass.place].address)
        places[pass.place].hasSpoken = true
        move(address, by: 0, spoken: 1)
    }

    func isHeld(_ pass: Pass) -> Bool {
        pass.place < places.count && places[pass.place].number == pass.number
    }

    private func objection(to who: Stranger, at now: Moment) -> Closing? {
        guard !who.isExempt, let place = index[who] else { return nil }
        let address = addresses[place]
        guard failures.isLeft(address.full, at: now) else { return .tooManyFailures }
        return address.count < limits.mostOfAddress ? nil : .tooManyHandshakes
    }

    /// The one that has most, and of several the one that has had so many for longest; where all have one, those who have said
    /// nothing before the others.
    private var highestAddress: Int? {
        mutating get {
            while highest > 1, levels[highest].isEmpty { highest -= 1 }
            return highest > 1 ? levels[highest].first : levels[1].first ?? levels[spoken].first
        }
    }

    /// The pass of its oldest place.
    private func last(of address: Int?) -> Pass? {
        guard let place = address.flatMap({ addresses[$0].chain.first }) else { return nil }
        return Pass(place: place, number: places[place].number, loop: Int(places[place].loop))
    }

    private mutating func seat(_ place: Int, at address: Int) {
        places[place].address = Int32(address)
        placeLinks.append(place, to: &addresses[address].chain)
        move(address, by: 1, spoken: places[place].hasSpoken ? 1 : 0)
    }

    private mutating func unseat(_ place: Int) {
        let address = Int(places[place].address)
        placeLinks.remove(place, from: &addresses[address].chain)
        move(address, by: -1, spoken: places[place].hasSpoken ? -1 : 0)
    }

    private mutating func move(_ address: Int, by change: Int, spoken: Int = 0) {
        let before = height(of: address)
        levelLinks.remove(address, from: &levels[before])
        addresses[address].count += change
        addresses[address].spoken += spoken
        let level = height(of: address)
        levelLinks.append(address, to: &levels[level])
        if level != self.spoken { highest = max(highest, level) }
    }

    /// Many clients may share an address that has no limit: they give way last.
    private func height(of address: Int) -> Int {
        let address = addresses[address]
        let count = address.who.isExempt ? min(address.count, 1) : address.count
        let isLast = count == 1 && (address.who.isExempt || address.spoken == 1)
        return isLast ? spoken : min(count, spoken - 1)
    }

    // MARK: Failures

    /// A handshake has failed, or a connection was closed before it had one.
    ///
    /// - Returns: whether it is to be told at once; it is counted otherwise.
    mutating func note(_ failure: StreamError.Code, of who: Stranger, at now: Moment) -> Bool {
        let address = place(of: who)
        if failure.isTheClients, !who.isExempt {
            failures.spend(&addresses[address].full, at: now)
        }
        if addresses[address].count == 0 { move(address, by: 0) }
        return ledger.note(failure, of: address, who, at: now)
    }

    /// What is to be told now of those that were counted.
    mutating func tell(at now: Moment, isEnd: Bool = false) -> [FailureLedger.Entry] {
        ledger.tell(at: now, isEnd: isEnd)
    }

    /// When something may have to be told next; nil where nothing is counted.
    var due: Moment? { ledger.due }

    // MARK: Addresses

    /// The place of an address, which it is given where it has none.
    private mutating func place(of who: Stranger) -> Int {
        if let address = index[who] { return address }
        if index.count >= limits.mostKnown, let oldest = levels[0].first { forget(oldest) }
        let address = freeAddresses.popLast() ?? addresses.count
        if address == addresses.count {
            addresses.append(Address(who: who))
            levelLinks.grow()
            ledger.grow()
        } else {
            addresses[address] = Address(who: who)
        }
        index[who] = address
        levelLinks.append(address, to: &levels[0])
        return address
    }

    private mutating func forget(_ address: Int) {
        ledger.forget(address)
        levelLinks.remove(address, from: &levels[0])
        index[addresses[address].who] = nil
        freeAddresses.append(address)
        guard index.isEmpty else { return }
        // What a crowd took.
        let untold = ledger
        self = Strangers(limits)
        ledger.takeOver(untold)
    }

    /// Forgets addresses of which nothing is to be known any more: two at each arrival, which makes up for the one that
    /// comes.
    private mutating func forgetSome(at now: Moment) {
        for _ in 0..<2 {
            guard let address = levels[0].first, !ledger.has(address),
                addresses[address].full <= now
            else { return }
            forget(address)
        }
    }
}
