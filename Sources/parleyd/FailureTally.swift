// How many connections never became a session, and why.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Sockets
internal import TLS

/// Counts by kind of failure, and keeps only a few kinds.
struct FailureTally: Equatable {
    private(set) var count = 0
    /// In the order in which they first occurred.
    private(set) var reasons: [Reason] = []
    /// Failures of kinds other than those kept.
    private var others = 0

    struct Reason: Equatable {
        let code: StreamError.Code
        var count: Int
    }

    mutating func add(_ code: StreamError.Code, count number: Int = 1) {
        count += number
        if let place = reasons.firstIndex(where: { $0.code == code }) {
            reasons[place].count += number
        } else if reasons.count < Self.limit {
            reasons.append(Reason(code: code, count: number))
        } else {
            others += number
        }
    }

    mutating func add(_ tally: FailureTally) {
        for reason in tally.reasons { add(reason.code, count: reason.count) }
        count += tally.others
        others += tally.others
    }

    /// All except those that only probed whether the port is open and were not refused anything.
    var withoutKnocks: FailureTally {
        var rest = self
        rest.reasons.removeAll { $0.code == .leftWithoutAWord }
        rest.count = rest.reasons.reduce(others) { $0 + $1.count }
        return rest
    }

    /// The most frequent kind.
    var main: StreamError.Code? { reasons.max { $0.count < $1.count }?.code }

    /// `reset 3, handshakeTimedOut 1`
    var words: String { told.map { "\($0.code) \($0.count)" }.joined(separator: ", ") }

    /// All of them, with the remainder as `others`.
    var told: [StrangersPost.Reason] {
        var told = reasons.map { StrangersPost.Reason(code: $0.code.rawValue, count: $0.count) }
        if others > 0 { told.append(.init(code: "others", count: others)) }
        return told
    }

    private static let limit = StrangersPost.maxReasons - 1
}
