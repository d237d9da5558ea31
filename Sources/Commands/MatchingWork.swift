// How much work matching may take.
// SPDX-License-Identifier: Apache-2.0

/// What comparing all values of one request may cost together. The client decides how long and how
/// many its values are, and an event loop does nothing else meanwhile.
public struct MatchingWork: Sendable {
    /// Counted in positions of patterns' code that are examined.
    public private(set) var spent = 0
    private let most: Int

    /// For the values of one request, none of them compared yet.
    ///
    /// - Parameter most: what the client has left, if that is less than a request may take.
    public init(atMost most: Int = Self.limit) { self.most = max(0, min(most, Self.limit)) }

    /// Whether less is left than a request may take.
    var isShort: Bool { most < Self.limit }

    mutating func spend(_ steps: Int) -> Bool {
        spent += steps
        return spent <= most
    }

    /// What takes a core about a millisecond.
    public static let millisecond = 500_000

    /// About two milliseconds. A host name takes some ten for each of its characters, and the
    /// longest possible value some 100,000 for a pattern such as `.*`.
    public static let limit = 2 * millisecond
}
