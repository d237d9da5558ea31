// Counts by one label whose values are known beforehand.
// SPDX-License-Identifier: Apache-2.0

/// Counts for each of a few words, and for all others together: whoever chooses the words can't make more series of
/// them. Every word has a count from the start, so that the first event is an increase.
struct LabelledCounts: Sendable {
    let words: [String]
    /// One for each word, then that of the others.
    private var counts: [UInt64]

    init(_ words: [String]) {
        self.words = words
        counts = Array(repeating: 0, count: words.count + 1)
    }

    mutating func add(_ word: String, _ count: Int = 1) {
        counts[words.firstIndex(of: word) ?? words.count].add(count)
    }

    subscript(word: String) -> UInt64 { counts[words.firstIndex(of: word) ?? words.count] }

    /// Each word with its count; the others as `other`.
    var all: [(word: String, count: UInt64)] {
        Array(zip(words + [Self.other], counts)).map { (word: $0, count: $1) }
    }

    static let other = "other"
}

extension UInt64 {
    /// Counts up, as far as there are numbers; nothing for a negative one.
    mutating func add(_ count: Int) {
        let (sum, isOver) = addingReportingOverflow(UInt64(clamping: count))
        self = isOver ? .max : sum
    }
}
