// Who has the most places.
// SPDX-License-Identifier: Apache-2.0

/// Places of one kind, with their owners. Addresses and places are the indices that `Strangers` gives them, and every call takes
/// constant time.
struct Ranks {
    /// The places of each address, oldest first.
    private var chains: [(places: Chain, count: Int)] = []
    private var placeLinks = Links()
    /// Addresses by how many places they have; those that reached a number first come first. The first level is for exempt
    /// addresses, however many they have.
    private var levels: [Chain]
    private var levelLinks = Links()
    /// No address is at a higher level.
    private var highest = 0

    /// - Parameter limit: the highest level; addresses with more places are there too.
    init(limit: Int) { levels = Array(repeating: Chain(), count: limit + 1) }

    mutating func growPlaces() { placeLinks.grow() }

    mutating func growAddresses() {
        chains.append((Chain(), 0))
        levelLinks.grow()
    }

    mutating func add(_ place: Int, of address: Int, isExempt: Bool) {
        if !isExempt { strangers += 1 }
        placeLinks.append(place, to: &chains[address].places)
        move(address, by: 1, isExempt)
    }

    mutating func remove(_ place: Int, of address: Int, isExempt: Bool) {
        if !isExempt { strangers -= 1 }
        placeLinks.remove(place, from: &chains[address].places)
        move(address, by: -1, isExempt)
    }

    private mutating func move(_ address: Int, by change: Int, _ isExempt: Bool) {
        let count = chains[address].count
        if count > 0 { levelLinks.remove(address, from: &levels[level(count, isExempt)]) }
        chains[address].count += change
        guard count + change > 0 else { return }
        let level = level(count + change, isExempt)
        levelLinks.append(address, to: &levels[level])
        highest = max(highest, level)
    }

    private func level(_ count: Int, _ isExempt: Bool) -> Int {
        isExempt ? 0 : min(count, levels.count - 1)
    }

    /// How many places belong to addresses that are not exempt.
    private(set) var strangers = 0

    /// The oldest place of the address that has the most, and among several the one that has had that many for longest;
    /// never an exempt one.
    var first: Int? {
        mutating get {
            while highest > 0, levels[highest].isEmpty { highest -= 1 }
            return highest > 0 ? oldest(at: highest) : nil
        }
    }

    /// The oldest place of an exempt address.
    var firstExempt: Int? { oldest(at: 0) }

    private func oldest(at level: Int) -> Int? {
        levels[level].first.flatMap { chains[$0].places.first }
    }
}
