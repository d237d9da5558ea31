// Guesses what a mistyped word was meant to be.
// SPDX-License-Identifier: Apache-2.0

/// The known word that a mistyped one is close to, if any.
package func nearest(_ word: String, in known: some Sequence<String>) -> String? {
    guard word.utf8.count <= 64 else { return nil }
    var best: (word: String, distance: Int)?
    for candidate in known where candidate.utf8.count <= 64 {
        let distance = editDistance(Array(word.utf8), Array(candidate.utf8))
        guard distance <= max(1, candidate.utf8.count / 3) else { continue }
        if best.map({ distance < $0.distance }) ?? true { best = (candidate, distance) }
    }
    return best?.word
}

/// How many bytes are inserted, missing, wrong, or swapped with their neighbour.
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
