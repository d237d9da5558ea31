// An object of the table whose keys are known.
// SPDX-License-Identifier: Apache-2.0

/// The members of an object, all of them known.
struct Fields {
    private let members: [JSON5Node.Member]

    /// - Parameters:
    ///   - what: the object's name in a sentence.
    ///   - known: the keys that it may have.
    /// - Throws: `wrongType`, `unknownKey`.
    init(_ node: JSON5Node, _ what: String, known: [String]) throws(Mistake) {
        let keys = known.joined(separator: ", ")
        members = try node.object(what, "an object with the keys \(keys)")
        for member in members where !known.contains(member.key) {
            let near = nearest(member.key, in: known).map { "; did you mean '\($0)'" } ?? ""
            throw Mistake(
                .unknownKey, at: member.offset,
                "the key \(quoted(member.key)) of \(what) is unknown\(near); expected \(keys)")
        }
    }

    subscript(key: String) -> JSON5Node? { members.first { $0.key == key }?.value }

    /// The first of some keys that is there.
    func first(of keys: [String]) -> JSON5Node.Member? {
        members.first { keys.contains($0.key) }
    }
}

/// The word that a mistyped one stands for, if it is near one.
func nearest(_ word: String, in known: some Sequence<String>) -> String? {
    guard word.utf8.count <= 64 else { return nil }
    var best: (word: String, distance: Int)?
    for candidate in known where candidate.utf8.count <= 64 {
        let distance = editDistance(Array(word.utf8), Array(candidate.utf8))
        guard distance <= max(1, candidate.utf8.count / 3) else { continue }
        if best.map({ distance < $0.distance }) ?? true { best = (candidate, distance) }
    }
    return best?.word
}

/// How many bytes are put in, left out, wrong, or swapped with their neighbour.
private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var rows = [Array(0...right.count)]
    for (index, byte) in left.enumerated() {
        var row = [index + 1]
        for (column, other) in right.enumerated() {
            var least = min(
                rows[index][column + 1] + 1, row[column] + 1,
                rows[index][column] + (byte == other ? 0 : 1))
            if index > 0, column > 0, byte == right[column - 1], left[index - 1] == other {
                least = min(least, rows[index - 1][column - 1] + 1)
            }
            row.append(least)
        }
        rows.append(row)
    }
    return rows[left.count][right.count]
}
