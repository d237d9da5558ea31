// One loop's view of the door: admits strangers, and reports those that never became a session.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Console
internal import Sockets
internal import System

/// A connection that has not finished its handshake. Confined to its loop.
final class Visit {
    fileprivate let pass: Strangers.Pass
    fileprivate(set) var who: Stranger
    /// Whether a balancer must first say whose connection it is.
    let isBalancers: Bool

    fileprivate init(_ pass: Strangers.Pass, _ who: Stranger, isBalancers: Bool) {
        self.pass = pass
        self.who = who
        self.isBalancers = isBalancers
    }
}

/// What is handed to the loop that will take a connection.
struct Admission: Sendable {
    fileprivate let pass: Strangers.Pass
    fileprivate let who: Stranger
    fileprivate let isBalancers: Bool

    /// The connection's number, unique across all loops.
    var number: Int { pass.number }
}

/// Confined to its loop.
final class Doorkeeper {
    private let door: Door
    private let settings: NetworkSettings
    private let census: Census
    private let loop: EventLoop
    private let log: Log
    private let broker: BrokerLink
    private var timer: Timer?

    init(_ commons: Commons, loop: EventLoop, log: Log, broker: BrokerLink) {
        door = commons.door
        settings = commons.settings
        census = commons.census
        self.loop = loop
        self.log = log
        self.broker = broker
    }

    enum Arrival {
        /// Not counted: there is no handshake.
        case uncounted
        /// If another connection made way, its loop and number.
        case welcome(Admission, insteadOf: (loop: Int, number: Int)?)
        case refused
    }

    // MARK: Who comes

    /// A connection was accepted. If it is refused, that has been reported or counted when this
    /// returns.
    ///
    /// - Parameter taker: the loop that will take it.
    func arrival(_ peer: SocketAddress, for taker: Int) -> Arrival {
        let isFull = !census.sessionComes(limit: settings.maxConnections)
        let isBalancers = door.limits.isBalancer(peer)
        let who = door.limits.who(peer)
        guard settings.isSecured || isBalancers else {
            guard isFull else { return .uncounted }
            refuse(.tooManySessions, peer, who)
            return .refused
        }
        let now = loop.now
        let arrival = door.withStrangers { [census] strangers in
            strangers.come(
                who, to: taker, isFull: isFull, at: now, number: { census.nextSession })
        }
        switch arrival {
        case .refused(let closing):
            if !isFull { census.sessionEnded() }
            refuse(closing, peer, who)
            return .refused
        case .welcome(let pass, let loser):
            // The one that makes way is counted until it is closed.
            if isFull { census.sessionComesAnyway() }
            return .welcome(
                Admission(pass: pass, who: who, isBalancers: isBalancers),
                insteadOf: loser.map { ($0.loop, $0.number) })
        }
    }

    /// Takes over a connection that another loop may have admitted.
    func take(_ admission: Admission) -> Visit {
        Visit(admission.pass, admission.who, isBalancers: admission.isBalancers)
    }

    /// Says who a connection that a balancer forwards really is.
    ///
    /// - Parameter client: nil if the connection is the balancer's own.
    /// - Throws: if the client may not come in.
    func name(_ visit: Visit, _ client: SocketAddress?) throws(StreamError) {
        guard let client else { return }
        let ranges = door.limits
        let who = Stranger(
            neighbourhood: Neighbourhood(of: client),
            isExempt: ranges.trusted.contains { $0.contains(client) })
        let now = loop.now
        let closing = door.withStrangers { $0.rename(visit.pass, who, at: now) }
        visit.who = who
        if let closing { throw fault(closing) }
    }

    /// The first byte of a connection has arrived.
    func hear(_ visit: Visit) { door.withStrangers { $0.hear(visit.pass) } }

    /// A handshake is finished.
    ///
    /// - Throws: if the connection has already made way for another one.
    func settle(_ visit: Visit) throws(StreamError) {
        guard door.withStrangers({ $0.leave(visit.pass) }) else { throw fault(.gaveWay) }
    }

    /// Whether a connection still has its place.
    func holds(_ visit: Visit) -> Bool { door.withStrangers { $0.isHeld(visit.pass) } }

    /// A connection is closed whose handshake was not finished.
    func leave(_ visit: Visit) {
        _ = door.withStrangers { $0.leave(visit.pass) }
    }

    func fault(_ closing: Closing) -> StreamError {
        closing.error(door.limits, full: settings.full)
    }

    // MARK: Reporting

    /// A handshake has failed.
    ///
    /// - Returns: whether the caller should report it; otherwise it is counted.
    func tells(_ failure: StreamError.Code, of visit: Visit) -> Bool {
        note(failure, visit.who)
    }

    private func note(_ failure: StreamError.Code, _ who: Stranger) -> Bool {
        let now = loop.now
        let (isTold, due) = door.withStrangers { strangers in
            (strangers.note(failure, of: who, at: now), strangers.due)
        }
        if let due, timer == nil { wait(until: due) }
        return isTold
    }

    private func refuse(_ closing: Closing, _ peer: SocketAddress, _ who: Stranger) {
        guard note(closing.code, who) else { return }
        let error = fault(closing)
        log.write("\(peer): refused: \(error.told)")
        guard settings.isRecorded else { return }
        broker.say(
            StrangersPost(
                address: peer.description, addresses: 1, count: 1, code: error.code.rawValue,
                reason: error.told, reasons: [], seconds: 0))
    }

    /// Each loop that has counted something checks on it later, so that no loop depends on another.
    private func wait(until due: Moment) {
        timer = Timer(after: due - loop.now, on: loop) { [unowned self] in
            timer = nil
            tell(isEnd: false)
        }
    }

    /// Reports what was counted.
    ///
    /// - Parameter isEnd: whether this is the last report.
    func tell(isEnd: Bool) {
        let now = loop.now
        let (entries, due) = door.withStrangers { strangers in
            (strangers.tell(at: now, isEnd: isEnd), strangers.due)
        }
        for entry in entries { tell(entry) }
        if let due, timer == nil { wait(until: due) }
    }

    private func tell(_ entry: FailureLedger.Entry) {
        let who = entry.neighbourhood?.description ?? "\(entry.addresses) addresses"
        let seconds = max(1, Int(entry.span.inSeconds.rounded(.up)))
        log.write("\(who): \(words(entry.tally, seconds))")
        let tally = entry.tally.withoutKnocks
        guard settings.isRecorded, let main = tally.main else { return }
        broker.say(
            StrangersPost(
                address: entry.neighbourhood?.description, addresses: entry.addresses,
                count: tally.count, code: main.rawValue, reason: words(tally, seconds),
                reasons: tally.told, seconds: seconds))
    }

    private func words(_ tally: FailureTally, _ seconds: Int) -> String {
        "\(tally.count) more \(tally.count == 1 ? "connection" : "connections") without a session in \(seconds) s: \(tally.words)"
    }
}
