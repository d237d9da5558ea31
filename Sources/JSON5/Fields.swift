// An object with a known set of keys.
// SPDX-License-Identifier: Apache-2.0

/// The members of an object, all of them known.
package struct Fields {
    private let members: [JSON5Node.Member]

    /// - Parameters:
    ///   - what: the object's name in a sentence.
    ///   - known: the keys that it may have.
    /// - Throws: `wrongType`, `unknownKey`.
    package init(_ node: JSON5Node, _ what: String, known: [String]) throws(Mistake) {
        let keys = known.joined(separator: ", ")
        members = try node.object(what, "an object with the keys \(keys)")
        for member in members where !known.contains(member.key) {
            let near = nearest(member.key, in: known).map { "; did you mean '\($0)'" } ?? ""
            throw Mistake(
                .unknownKey, at: member.offset,
                "the key \(quoted(member.key)) of \(what) is unknown\(near); expected \(keys)")
        }
    }

    package subscript(key: String) -> JSON5Node? { members.first { $0.key == key }?.value }

    /// The first of some keys that is present.
    package func first(of keys: [String]) -> JSON5Node.Member? {
        members.first { keys.contains($0.key) }
    }
}
