// Whom an allow or a deny names.
// SPDX-License-Identifier: Apache-2.0

/// Identities by their exact bytes; groups are shared, not copied.
struct IdentitySet: Sendable {
    var isEverybody = false
    var texts: Set<[UInt8]> = []
    /// Those of groups, each resolved.
    var groups: [Set<[UInt8]>] = []

    func contains(_ identity: Identity) -> Bool {
        // A String compares by canonical equivalence, a certificate's name by its bytes.
        var asked = identity.names.map { Array($0.utf8) }
        if !identity.key.isEmpty { asked.append(Array(identity.key.utf8)) }
        guard !asked.isEmpty else { return false }
        return isEverybody
            || asked.contains { text in
                texts.contains(text) || groups.contains { $0.contains(text) }
            }
    }
}
