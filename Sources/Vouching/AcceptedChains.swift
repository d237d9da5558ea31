// Which clients' chains the broker has accepted.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// The Certificate messages of chains that were accepted, until the first of their ends. It decides nothing: whoever
/// shows such a chain is verified with his proof, and only which alert he would get depends on it. So a hash of Swift's
/// will do, whose key nobody outside of the process knows.
struct AcceptedChains {
    private var ends: [Int: Moment] = [:]
    private let most: Int

    /// - Parameter most: as many are remembered; one more has all others forgotten.
    init(most: Int) { self.most = most }

    func holds(_ message: [UInt8], at now: Moment) -> Bool {
        ends[Self.hash(message)].map { now < $0 } ?? false
    }

    mutating func insert(_ message: [UInt8], for time: Duration, at now: Moment) {
        if ends.count >= most { ends.removeAll(keepingCapacity: true) }
        ends[Self.hash(message)] = now + min(time, Self.longest)
    }

    mutating func removeAll() { ends.removeAll(keepingCapacity: true) }

    /// Not `hashValue`, which takes the bytes one by one.
    private static func hash(_ message: [UInt8]) -> Int {
        var hasher = Hasher()
        unsafe message.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        return hasher.finalize()
    }

    /// The clock by which chains end may be set meanwhile, and this one goes on.
    static let longest = Duration.seconds(3_600)
}
