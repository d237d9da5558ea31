// Connections that have not finished a handshake, by address.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import System

/// Who is waiting at the door, and whose handshakes have failed recently. All loops share one of these behind a lock, so
/// each call takes constant time, however many there are. `StrangerLimits` bounds its size: what is forgotten because of
/// that is still counted.
struct Strangers {
    /// A place at the door, as its connection holds it.
    struct Pass: Sendable {
        fileprivate let place: Int
        /// The connection's number, unique across all loops.
        let number: Int
        let loop: Int
    }

    enum Arrival {
        /// It has a place; if there was none left, another connection made way.
        case welcome(Pass, insteadOf: Pass?)
        case refused(Closing)
    }

    private let limits: StrangerLimits
    private let failures: Allowance
    private var places: [Place] = []
    private var freePlaces: [Int] = []
    private var held = 0
    private var addresses: [Address] = []
    private var freeAddresses: [Int] = []
    private var index: [Stranger: Int] = [:]
    /// Addresses without places, the most recently heard of last.
    private var idle = Chain()
    private var idleLinks = Links()
    /// The places of those who have sent nothing, and of the others.
    private var silent: Ranks
    private var spoken: Ranks
    private var ledger = FailureLedger()

    private struct Place {
        /// 0 if nobody has it.
        var number: Int
        var loop: Int32
        var address: Int32
        /// Whether its client has sent something.
        var hasSpoken = false
    }

    private struct Address {
        let who: Stranger
        var count = 0
        /// When it may again have the full burst of failures.
        var full = Moment(nanoseconds: 0)
    }

    init(_ limits: StrangerLimits) {
        self.limits = limits
        failures = Allowance(limits.failuresASecond, burst: limits.failuresAtOnce)
        let limit = min(limits.maxPerAddress, limits.maxHandshakes)
        silent = Ranks(limit: limit)
        spoken = Ranks(limit: limit)
    }

    // MARK: Places

    /// How many are waiting.
    var count: Int { held }
    /// How many addresses are known.
    var known: Int { index.count }

    /// A connection has arrived.
    ///
    /// - Parameters:
    ///   - loop: the loop that will take it.
    ///   - isFull: whether no more connections may be open, so that one must make way.
    ///   - number: assigns a number above 0 to the connection if it is welcome.
    mutating func come(
        _ who: Stranger, to loop: Int, isFull: Bool = false, at now: Moment, number: () -> Int
    ) -> Arrival {
        forgetSome(at: now)
        if let closing = objection(to: who, at: now) { return .refused(closing) }
        var loser: Pass?
        if isFull || held >= limits.maxHandshakes {
            loser = givesWay().map { self.pass(of: $0) }
            guard let loser else { return .refused(.tooManySessions) }
            leave(loser)
        }
        let place = freePlaces.popLast() ?? places.count
        if place == places.count {
            places.append(Place(number: 0, loop: 0, address: 0))
            silent.growPlaces()
            spoken.growPlaces()
        }
        let pass = Pass(place: place, number: number(), loop: loop)
        places[place] = Place(number: pass.number, loop: Int32(loop), address: 0)
        held += 1
        seat(place, at: self.place(of: who))
        return .welcome(pass, insteadOf: loser)
    }

    /// The place that is taken next when another is needed. A silent one, but not among only a few: those who have just arrived
    /// are silent as well, and whoever holds all the places with a byte each would make one newcomer push out the next.
    private mutating func givesWay() -> Int? {
        if silent.strangers > limits.maxHandshakes / 8, let place = silent.first { return place }
        return spoken.first ?? silent.first ?? silent.firstExempt ?? spoken.firstExempt
    }

    /// It is known who has connected through a balancer.
    ///
    /// - Returns: why it may not stay, if it may not; it keeps its place until it leaves.
    mutating func rename(_ pass: Pass, _ who: Stranger, at now: Moment) -> Closing? {
        guard isHeld(pass) else { return .gaveWay }
        if let closing = objection(to: who, at: now) { return closing }
        unseat(pass.place)
        seat(pass.place, at: place(of: who))
        return nil
    }

    /// A connection's handshake is finished, or the connection is closed.
    ///
    /// - Returns: false if it has already made way for another one.
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
        unseat(pass.place)
        places[pass.place].hasSpoken = true
        seat(pass.place, at: address)
    }

    func isHeld(_ pass: Pass) -> Bool {
        pass.place < places.count && places[pass.place].number == pass.number
    }

    private func objection(to who: Stranger, at now: Moment) -> Closing? {
        guard !who.isExempt, let place = index[who] else { return nil }
        let address = addresses[place]
        guard failures.isLeft(address.full, at: now) else { return .tooManyFailures }
        return address.count < limits.maxPerAddress ? nil : .tooManyHandshakes
    }

    private func pass(of place: Int) -> Pass {
        Pass(place: place, number: places[place].number, loop: Int(places[place].loop))
    }

    private mutating func seat(_ place: Int, at address: Int) {
        places[place].address = Int32(address)
        if addresses[address].count == 0 { idleLinks.remove(address, from: &idle) }
        addresses[address].count += 1
        let isExempt = addresses[address].who.isExempt
        if places[place].hasSpoken {
            spoken.add(place, of: address, isExempt: isExempt)
        } else {
            silent.add(place, of: address, isExempt: isExempt)
        }
    }

    private mutating func unseat(_ place: Int) {
        let address = Int(places[place].address)
        let isExempt = addresses[address].who.isExempt
        if places[place].hasSpoken {
            spoken.remove(place, of: address, isExempt: isExempt)
        } else {
            silent.remove(place, of: address, isExempt: isExempt)
        }
        addresses[address].count -= 1
        if addresses[address].count == 0 { idleLinks.append(address, to: &idle) }
    }

    // MARK: Failures

    /// A handshake has failed, or a connection was closed before it had one.
    ///
    /// - Returns: whether it should be reported at once; otherwise it is counted.
    mutating func note(_ failure: StreamError.Code, of who: Stranger, at now: Moment) -> Bool {
        let address = place(of: who)
        if failure.isTheClients, !who.isExempt {
            failures.spend(&addresses[address].full, at: now)
        }
        if addresses[address].count == 0 {
            idleLinks.remove(address, from: &idle)
            idleLinks.append(address, to: &idle)
        }
        return ledger.note(failure, of: address, who, at: now)
    }

    /// What should be reported now of those that were counted.
    mutating func tell(at now: Moment, isEnd: Bool = false) -> [FailureLedger.Entry] {
        ledger.tell(at: now, isEnd: isEnd)
    }

    /// When something may next have to be reported; nil if nothing is counted.
    var due: Moment? { ledger.due }

    // MARK: Addresses

    /// The index of an address, which it is given if it has none.
    private mutating func place(of who: Stranger) -> Int {
        if let address = index[who] { return address }
        if index.count >= limits.maxKnown, let oldest = idle.first { forget(oldest) }
        let address = freeAddresses.popLast() ?? addresses.count
        if address == addresses.count {
            addresses.append(Address(who: who))
            idleLinks.grow()
            silent.growAddresses()
            spoken.growAddresses()
            ledger.grow()
        } else {
            addresses[address] = Address(who: who)
        }
        index[who] = address
        idleLinks.append(address, to: &idle)
        return address
    }

    private mutating func forget(_ address: Int) {
        ledger.forget(address)
        idleLinks.remove(address, from: &idle)
        index[addresses[address].who] = nil
        freeAddresses.append(address)
        guard index.isEmpty, addresses.count > Self.few else { return }
        // Returns what a crowd took.
        let untold = ledger
        self = Strangers(limits)
        ledger.takeOver(untold)
    }

    /// Room for this many is kept, instead of being allocated again for each of a few that come one
    /// after another.
    private static let few = 64

    /// Forgets addresses that have nothing left to remember: two at each arrival, which makes up for the one that
    /// arrives.
    private mutating func forgetSome(at now: Moment) {
        for _ in 0..<2 {
            guard let address = idle.first, !ledger.has(address),
                addresses[address].full <= now
            else { return }
            forget(address)
        }
    }
}
