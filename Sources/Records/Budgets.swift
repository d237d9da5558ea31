// The budgets of all identities.
// SPDX-License-Identifier: Apache-2.0
package import System

/// One budget for each identity that has or recently had sessions, and one for all clients without an identity. If one is
/// forgotten that has left something out, that gets a record. Confined to its loop.
package final class Budgets {
    private let rate: Int
    private let now: () -> Moment
    private let server: Recorder
    private let strangers: Budget
    private var identities: [String: Budget] = [:]
    /// At this many, a search begins for those that can be forgotten.
    private var full = Budgets.maxIdle

    /// - Parameter rate: for each one, as in `Budget`.
    package init(_ file: AuditFile, rate: Int, now: @escaping () -> Moment) {
        self.rate = rate
        self.now = now
        server = Recorder(file, nil)
        strangers = Budget(rate: rate, now: now)
    }

    /// - Parameter identity: nil for clients without one.
    package subscript(_ identity: String?) -> Budget {
        guard let identity else { return strangers }
        if let budget = identities[identity] { return budget }
        if identities.count >= full { forget() }
        let budget = Budget(rate: rate, now: now)
        identities[identity] = budget
        return budget
    }

    /// Identities that are remembered.
    var count: Int { identities.count }

    /// Nobody records anything any more: what was left out is reported.
    package func end() {
        tell(strangers, nil)
        for (identity, budget) in identities { tell(budget, identity) }
    }

    /// An identity whose budget is full can get a new one just as well. Of the others without a session as many are remembered
    /// as there is room for, beginning with those that had a record most recently.
    private func forget() {
        for (identity, budget) in identities where budget.holders == 0 && budget.isWhole {
            tell(budget, identity)
            identities[identity] = nil
        }
        let idle = identities.filter { $0.value.holders == 0 }.sorted {
            $0.value.usedAt > $1.value.usedAt
        }
        for (identity, budget) in idle.dropFirst(Self.maxIdle / 2) {
            tell(budget, identity)
            identities[identity] = nil
        }
        full = max(Self.maxIdle, identities.count * 2)
    }

    private func tell(_ budget: Budget, _ identity: String?) {
        let records = budget.takeOmitted()
        if records > 0 { server.record(.omission(identity: identity, records: records)) }
    }

    /// About 200 bytes each.
    static let maxIdle = 4_096
}
