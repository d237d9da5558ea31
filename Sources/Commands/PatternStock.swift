// The patterns of a table.
// SPDX-License-Identifier: Apache-2.0

/// Compiles patterns, equal ones once, and limits their total size: a short text can mean thousands
/// of positions, and a file has room for tens of thousands of texts.
struct PatternStock {
    struct Full: Error {}

    /// By their bytes: a String compares by canonical equivalence, a pattern's characters do not.
    private var patterns: [[UInt8]: Pattern] = [:]
    private var places = 0

    /// - Throws: `PatternFault`, or `Full` for the pattern that exceeds the limit.
    mutating func pattern(_ text: String) throws -> Pattern {
        let key = Array(text.utf8)
        if let known = patterns[key] { return known }
        let pattern = try Pattern(text)
        places += pattern.size
        guard places <= Self.maxPositions else { throw Full() }
        patterns[key] = pattern
        return pattern
    }

    /// Four bytes each. A thousand different patterns for host names fit.
    static let maxPositions = 2_000_000
}
