// Tells whether a value matches.
// SPDX-License-Identifier: Apache-2.0

/// Scans a value once, tracking all positions at which the code can be, so that a value takes at
/// most its length times the code's, and nothing is kept from one value to the next.
struct PatternProgram: Sendable {
    private let instructions: [PatternCode.Instruction]
    private let sets: [ScalarSet]

    init(_ code: PatternCode, sets: [ScalarSet]) {
        instructions = code.instructions + [.match]
        self.sets = sets
    }

    enum Outcome: Hashable, Sendable {
        case matches, differs
        /// Unknown: there was no work left to spend.
        case exhausted
    }

    /// How many positions its code has.
    var size: Int { instructions.count }

    /// Compares a whole value. It spends one unit for each instruction that it examines, and a
    /// little for its memory.
    func run(_ value: String, _ work: inout MatchingWork) -> Outcome {
        guard work.spend(instructions.count / 16 + 1) else { return .exhausted }
        let code = instructions.span
        let sets = sets.span
        var placesStore = [Int16](repeating: 0, count: code.count)
        var turnsStore = [UInt32](repeating: 0, count: code.count)
        /// Where the code can be, each position once: those before `count`.
        var places = placesStore.mutableSpan
        /// The turn in which a position was last entered.
        var turns = turnsStore.mutableSpan
        var count = 1
        var turn: UInt32 = 0
        var scalars = value.unicodeScalars.makeIterator()
        while true {
            let scalar = scalars.next()
            // After the last character the answer does not matter: a position that takes one has
            // not matched.
            let question = ScalarSet.Question(scalar ?? "\0")
            turn += 1
            for index in 0..<count { turns[Int(places[index])] = turn }
            // Positions that take the character move on, to the front; those after them are read.
            var taken = 0
            var index = 0
            while index < count {
                let place = Int(places[index])
                index += 1
                var next = place + 1
                switch code[place] {
                case .take(let set):
                    places[taken] = Int16(truncatingIfNeeded: next)
                    taken += sets[Int(set)].contains(question) ? 1 : 0
                    continue
                case .split(let distance):
                    let other = place + Int(distance)
                    if turns[other] != turn {
                        turns[other] = turn
                        places[count] = Int16(truncatingIfNeeded: other)
                        count += 1
                    }
                case .jump(let distance): next = place + Int(distance)
                case .start: if turn > 1 { continue }
                case .end: if scalar != nil { continue }
                case .match:
                    if scalar == nil { return .matches }
                    continue
                }
                if turns[next] != turn {
                    turns[next] = turn
                    places[count] = Int16(truncatingIfNeeded: next)
                    count += 1
                }
            }
            guard work.spend(count) else { return .exhausted }
            count = taken
            if scalar == nil || count == 0 { return .differs }
        }
    }
}
