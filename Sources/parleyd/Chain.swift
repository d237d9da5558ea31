// Linked lists of an array's indices.
// SPDX-License-Identifier: Apache-2.0

/// The two ends of a list of indices; `Links` has what lies between them.
struct Chain {
    fileprivate(set) var first: Int?
    fileprivate(set) var last: Int?

    var isEmpty: Bool { first == nil }
}

/// The neighbours of each index in its chain. An index is in at most one chain of the same `Links`. Every call takes constant
/// time, however long a chain is.
struct Links {
    private var links: [(previous: Int32, next: Int32)] = []

    /// Makes room for one more index.
    mutating func grow() { links.append((Self.none, Self.none)) }

    mutating func append(_ index: Int, to chain: inout Chain) {
        links[index] = (chain.last.map { Int32($0) } ?? Self.none, Self.none)
        if let last = chain.last { links[last].next = Int32(index) } else { chain.first = index }
        chain.last = index
    }

    /// - Parameter index: an index that is in the chain.
    mutating func remove(_ index: Int, from chain: inout Chain) {
        let (previous, next) = links[index]
        if previous >= 0 {
            links[Int(previous)].next = next
        } else {
            chain.first = next >= 0 ? Int(next) : nil
        }
        if next >= 0 {
            links[Int(next)].previous = previous
        } else {
            chain.last = previous >= 0 ? Int(previous) : nil
        }
        links[index] = (Self.none, Self.none)
    }

    private static let none: Int32 = -1
}
