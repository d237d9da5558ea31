// How many sessions are open, and whose they are.
// SPDX-License-Identifier: Apache-2.0
internal import Remote

/// Counts sessions by identity, and decides whether there may be another one. It knows no clock and no
/// thread.
struct SessionBook {
    struct Limits: Equatable, Sendable {
        /// The limit for all identities together.
        var all: Int
        /// The limit for one identity.
        var identity: Int
        /// How many of the last places are reserved for identities that have none: a few identities that each have as
        /// many as allowed can't shut out one that comes for the first time.
        var reserved: Int
    }

    private let limits: Limits
    private(set) var count = 0
    private var held: [String: Int] = [:]

    init(_ limits: Limits) { self.limits = limits }

    /// Counts a session of the identity; `end` must follow.
    ///
    /// - Parameter identity: its first name or its key (`Identity.description`).
    /// - Returns: the limit that was reached, in which case it isn't counted; nil if it is.
    mutating func begin(_ identity: String) -> Refusal.Limit? {
        let own = held[identity] ?? 0
        guard own < limits.identity else { return .identitySessions }
        let free = limits.all - count
        guard free > 0 else { return .sessions }
        guard own == 0 || free > limits.reserved else { return .reservedSessions }
        count += 1
        held[identity] = own + 1
        return nil
    }

    mutating func end(_ identity: String) {
        guard let own = held[identity] else { return }
        count -= 1
        held[identity] = own > 1 ? own - 1 : nil
    }

    /// How many identities have sessions.
    var identities: Int { held.count }
}
