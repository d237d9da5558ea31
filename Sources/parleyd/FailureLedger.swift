// What to report about connections that never became a session.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
internal import System

/// The first failure of an address is reported at once, those that follow once a minute. In total no more is reported than a
/// log and a trail can take: beyond that, addresses are reported together. Addresses are identified by the indices that
/// `Strangers` gives them.
struct FailureLedger {
    /// Failures that are reported together.
    struct Entry: Equatable {
        /// Nil if they come from several addresses.
        var neighbourhood: Neighbourhood?
        var addresses: Int
        var tally: FailureTally
        var span: Duration
    }

    private var windows: [Window] = []
    private var links = Links()
    /// Addresses that were reported less than a minute ago, the earliest first.
    private var open = Chain()
    /// Failures that are not reported by address.
    private var others: (began: Moment, addresses: Int, tally: FailureTally)?
    /// When the full burst of lines is available again.
    private var full = Moment(nanoseconds: 0)
    /// The same for clients from exempt addresses. Each of them is reported individually, and they must not use up the budget
    /// for reporting others.
    private var exemptFull = Moment(nanoseconds: 0)

    private struct Window {
        var neighbourhood: Neighbourhood?
        /// Nil if nothing was reported about the address recently.
        var began: Moment?
        var tally = FailureTally()
    }

    /// Makes room for one more address.
    mutating func grow() {
        windows.append(Window())
        links.grow()
    }

    /// Whether anything about an address must be kept.
    func has(_ address: Int) -> Bool { windows[address].began != nil }

    /// - Returns: whether it should be reported at once.
    mutating func note(
        _ failure: StreamError.Code, of address: Int, _ who: Stranger, at now: Moment
    ) -> Bool {
        let isFirst = windows[address].began == nil
        if isFirst {
            windows[address] = Window(neighbourhood: who.neighbourhood, began: now)
            links.append(address, to: &open)
        }
        // Many clients share an exempt address.
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

    /// What to report now.
    ///
    /// - Parameter isEnd: whether this is the last report.
    mutating func tell(at now: Moment, isEnd: Bool) -> [Entry] {
        var entries: [Entry] = []
        while let address = open.first, let began = windows[address].began,
            isEnd || began + Self.span <= now
        {
            links.remove(address, from: &open)
            let window = windows[address]
            windows[address] = Window()
            guard window.tally.count > 0 else { continue }
            // At the end nobody waits for the broker to hear of many.
            if isEnd ? entries.count < Self.maxAtEnd : Self.lines.isLeft(full, at: now) {
                Self.lines.spend(&full, at: now)
                entries.append(
                    Entry(
                        neighbourhood: window.neighbourhood, addresses: 1, tally: window.tally,
                        span: now - began))
            } else {
                add(window, at: now)
            }
            guard !isEnd else { continue }
            // It may continue, and then gets another line in a minute.
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

    /// When something may next have to be reported.
    var due: Moment? {
        let began = [open.first.flatMap { windows[$0].began }, others?.began].compactMap { $0 }
        return began.min().map { $0 + Self.span }
    }

    /// Forgets an address; what was counted for it is reported with others.
    mutating func forget(_ address: Int) {
        guard let began = windows[address].began else { return }
        links.remove(address, from: &open)
        if windows[address].tally.count > 0 { add(windows[address], at: began) }
        windows[address] = Window()
    }

    /// Continues for an address that is no longer known.
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

    static let maxAtEnd = 100
    /// How often an address is reported.
    static let span = Duration.seconds(60)
    /// A log line and its record in the trail take half a kilobyte together, so a day of them takes at most 430 MB, and as much
    /// again for exempt addresses.
    static let lines = Allowance(10, burst: 1_000)
}
