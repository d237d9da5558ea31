// Lists through the places of an array.
// SPDX-License-Identifier: Apache-2.0

/// The two ends of a list whose members are numbers of places; `Links` has what is between them.
struct Chain {
    fileprivate(set) var first: Int?
    fileprivate(set) var last: Int?

    var isEmpty: Bool { first == nil }
}

/// Who comes before and after each place in its chain. A place is in one chain of the same `Links` at most. Every call takes the
/// same time, however long a chain is.
struct Links {
    private var links: [(previous: Int32, next: Int32)] = []

    /// Makes room for one place more.
    mutating func grow() { links.append((Self.none, Self.none)) }

    mutating func append(_ place: Int, to chain: inout Chain) {
        links[place] = (chain.last.map { Int32($0) } ?? Self.none, Self.none)
        if let last = chain.last { links[last].next = Int32(place) } else { chain.first = place }
        chain.last = place
    }

    /// - Parameter place: one that is in the chain.
    mutating func remove(_ place: Int, from chain: inout Chain) {
        let (previous, next) = links[place]
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
        links[place] = (Self.none, Self.none)
    }

    private static let none: Int32 = -1
}
