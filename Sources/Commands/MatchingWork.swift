// How much work matching may take.
// SPDX-License-Identifier: Apache-2.0

/// What comparing the values of one request may cost, all of them together. Whoever sends a request
/// decides how long its values are and how many, and an event loop does nothing else meanwhile.
public struct MatchingWork: Sendable {
    /// In places of a pattern's code that are looked at.
    public private(set) var spent = 0
    private let most: Int

    /// For the values of one request, of which none was compared yet.
    ///
    /// - Parameter most: what whoever asks has left, where that is less than a request may take.
    public init(atMost most: Int = Self.limit) { self.most = max(0, min(most, Self.limit)) }

    /// Whether less is left than a request may take.
    var isShort: Bool { most < Self.limit }

    mutating func spend(_ steps: Int) -> Bool {
        spent += steps
        return spent <= most
    }

    /// What takes a core a millisecond or so.
    public static let millisecond = 500_000

    /// Two milliseconds or so. A name of a host takes some ten for each of its characters, and the
    /// longest value that can come some 100,000 for a pattern such as `.*`.
    public static let limit = 2 * millisecond
}
