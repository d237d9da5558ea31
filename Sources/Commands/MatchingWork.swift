// How much work matching may take.
// SPDX-License-Identifier: Apache-2.0

/// What comparing the values of one request may cost, all of them together. Whoever sends a request
/// decides how long its values are and how many, and an event loop does nothing else meanwhile.
public struct MatchingWork: Sendable {
    /// In places of a pattern's code that are looked at.
    public private(set) var spent = 0

    /// For the values of one request, of which none was compared yet.
    public init() {}

    mutating func spend(_ steps: Int) -> Bool {
        spent += steps
        return spent <= Self.limit
    }

    /// Two milliseconds or so. A name of a host takes some ten for each of its characters, and the
    /// longest value that can come some 100,000 for a pattern such as `.*`.
    public static let limit = 1_000_000
}
