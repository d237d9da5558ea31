// Which clients' chains the broker has accepted.
// SPDX-License-Identifier: Apache-2.0
internal import System
internal import TLS

/// The Certificate messages of chains that were accepted, until the first certificate or CRL expires. It decides
/// nothing: a client that presents such a chain is verified with its proof, and only which alert it would get depends
/// on this. So Swift's hash will do, whose key is unknown outside the process.
struct AcceptedChains {
    private var ends: [Int: Moment] = [:]
    private let limit: Int

    /// - Parameter limit: how many are remembered; one more makes it forget all others.
    init(limit: Int) { self.limit = limit }

    func holds(_ message: [UInt8], at now: Moment) -> Bool {
        ends[message.quickHash].map { now < $0 } ?? false
    }

    mutating func insert(_ message: [UInt8], for time: Duration, at now: Moment) {
        if ends.count >= limit { ends.removeAll(keepingCapacity: true) }
        ends[message.quickHash] = now + min(time, Self.longest)
    }

    mutating func removeAll() { ends.removeAll(keepingCapacity: true) }

    /// The clock by which chains expire may be set meanwhile, but this one runs steadily.
    static let longest = Duration.seconds(3_600)
}
