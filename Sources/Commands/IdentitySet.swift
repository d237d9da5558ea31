// Whom an allow or a deny names.
// SPDX-License-Identifier: Apache-2.0

/// Identities as the bytes of their canonical spelling; groups are shared, not copied.
struct IdentitySet: Sendable {
    var isEverybody = false
    var texts: Set<[UInt8]> = []
    /// Those from groups, each resolved.
    var groups: [Set<[UInt8]>] = []

    func contains(_ identity: Identity) -> Bool {
        // A String compares by canonical equivalence, a certificate's name by its bytes.
        let asked = identity.texts
        guard !asked.isEmpty else { return false }
        return isEverybody
            || asked.contains { text in
                texts.contains(text) || groups.contains { $0.contains(text) }
            }
    }

    /// Whether everybody in it is certainly also in another one.
    func isNobody(without other: Self) -> Bool {
        if other.isEverybody { return true }
        let all = [texts] + groups
        guard !isEverybody, all.reduce(0, { $0 + $1.count }) <= Self.maxCompared else {
            return false
        }
        return all.allSatisfy { $0.allSatisfy(other.names) }
    }

    /// One of its names other than keys, the first by its bytes; nil if it has none, or more
    /// identities than are searched.
    var someName: String? {
        var first: [UInt8]?
        let all = [texts] + groups
        guard all.reduce(0, { $0 + $1.count }) <= Self.maxCompared else { return nil }
        for set in all {
            for text in set
            where !text.starts(with: "key:".utf8)
                && first.map({ text.lexicographicallyPrecedes($0) }) ?? true
            {
                first = text
            }
        }
        return first.map { String(decoding: $0, as: UTF8.self) }
    }

    private func names(_ text: [UInt8]) -> Bool {
        texts.contains(text) || groups.contains { $0.contains(text) }
    }

    /// Each command of a table may name the same large groups.
    private static let maxCompared = 1_000
}
