// What is to be told of connections that came to no session.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import System

/// The first failure of an address is told at once, and those that follow it once a minute. Altogether no more is told than
/// a log and a trail bear: beyond that, addresses are told together. Addresses go by the places that `Strangers` gives them.
struct FailureLedger {
    /// What is told together.
    struct Entry: Equatable {
        /// Nil where they are of several.
        var neighbourhood: Neighbourhood?
        var addresses: Int
        var tally: FailureTally
        var span: Duration
    }

    private var windows: [Window] = []
    private var links = Links()
    /// Addresses of which something was told less than a minute ago, the earliest first.
    private var open = Chain()
    /// Those that are not told by their address.
    private var others: (began: Moment, addresses: Int, tally: FailureTally)?
    /// When as many lines may be told at once as ever.
    private var full = Moment(nanoseconds: 0)
    /// The same for clients of addresses that are exempt. Each of them is told by itself, and they must not use up what tells
    /// of others.
    private var exemptFull = Moment(nanoseconds: 0)

    private struct Window {
        var neighbourhood: Neighbourhood?
        /// Nil where nothing was told of the address lately.
        var began: Moment?
        var tally = FailureTally()
    }

    /// Makes room for one address more.
    mutating func grow() {
        windows.append(Window())
        links.grow()
    }

    /// Whether something of an address is to be kept.
    func has(_ address: Int) -> Bool { windows[address].began != nil }

    /// - Returns: whether it is to be told at once.
    mutating func note(
        _ failure: StreamError.Code, of address: Int, _ who: Stranger, at now: Moment
    ) -> Bool {
        let isFirst = windows[address].began == nil
        if isFirst {
            windows[address] = Window(neighbourhood: who.neighbourhood, began: now)
            links.append(address, to: &open)
        }
        // Many clients share an address that is exempt.
        let isTold =
            if who.isExempt { takeLine(&exemptFull, at: now) } else {
                isFirst && takeLine(&full, at: now)
            }
        if isTold { return true }
        windows[address].tally.add(failure)
        return false
    }

    private func takeLine(_ full: inout Moment, at now: Moment) -> Bool {
        guard Self.lines.isLeft(full, at: now) else { return false }
        Self.lines.spend(&full, at: now)
        return true
    }

    /// What is to be told now.
    ///
    /// - Parameter isEnd: whether it is the last time.
    mutating func tell(at now: Moment, isEnd: Bool) -> [Entry] {
        var entries: [Entry] = []
        while let address = open.first, let began = windows[address].began,
            isEnd || began + Self.span <= now
        {
            links.remove(address, from: &open)
            let window = windows[address]
            windows[address] = Window()
            guard window.tally.count > 0 else { continue }
            // At the end nobody waits until the broker has heard of many.
            if isEnd ? entries.count < Self.mostAtEnd : Self.lines.isLeft(full, at: now) {
                Self.lines.spend(&full, at: now)
                entries.append(
                    Entry(
                        neighbourhood: window.neighbourhood, addresses: 1, tally: window.tally,
                        span: now - began))
            } else {
                add(window, at: now)
            }
            guard !isEnd else { continue }
            // It may go on, and then has a line in a minute again.
            windows[address] = Window(neighbourhood: window.neighbourhood, began: now)
            links.append(address, to: &open)
        }
        if let others, isEnd || others.began + Self.span <= now {
            entries.append(
                Entry(
                    addresses: others.addresses, tally: others.tally, span: now - others.began))
            self.others = nil
        }
        return entries
    }

    /// When something may have to be told next.
    var due: Moment? {
        let began = [open.first.flatMap { windows[$0].began }, others?.began].compactMap { $0 }
        return began.min().map { $0 + Self.span }
    }

    /// Lets an address go; what was counted of it is told with others.
    mutating func forget(_ address: Int) {
        guard let began = windows[address].began else { return }
        links.remove(address, from: &open)
        if windows[address].tally.count > 0 { add(windows[address], at: began) }
        windows[address] = Window()
    }

    /// Goes on for one that knows no address any more.
    mutating func takeOver(_ ledger: FailureLedger) {
        others = ledger.others
        full = ledger.full
        exemptFull = ledger.exemptFull
    }

    private mutating func add(_ window: Window, at began: Moment) {
        var others = self.others ?? (began: began, addresses: 0, tally: FailureTally())
        others.addresses += 1
        others.tally.add(window.tally)
        self.others = others
    }

    static let mostAtEnd = 100
    /// How often an address is told of.
    static let span = Duration.seconds(60)
    /// A line of the log and one of the trail have half a kilobyte together, and so a day of them 430 MB at most, and as much again
    /// of addresses that are exempt.
    static let lines = Allowance(10, burst: 1_000)
}
