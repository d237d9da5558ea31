// What a pattern, or a part of one, is compiled to.
// SPDX-License-Identifier: Apache-2.0

/// Instructions of a Thompson automaton, entered at the first and left after the last. Jumps are
/// relative, so that a part can be repeated by copying it.
struct PatternCode: Sendable {
    enum Instruction: Sendable {
        /// Takes a character of the set with this index, and continues with the next instruction.
        case take(Int16)
        /// Continues both with the next instruction and at this distance.
        case split(Int16)
        case jump(Int16)
        /// Continues only before the first character of a value.
        case start
        /// Continues only after the last character of a value.
        case end
        /// The whole value matches if it ends here.
        case match
    }

    private(set) var instructions: [Instruction]

    init(_ instructions: [Instruction] = []) { self.instructions = instructions }

    mutating func append(_ other: Self) throws(PatternFault) {
        try Self.check(instructions.count + other.instructions.count)
        instructions += other.instructions
    }

    /// Matches what one of some parts matches.
    ///
    /// - Parameter parts: at least one.
    static func anyOf(_ parts: [Self]) throws(PatternFault) -> Self {
        var rest = parts.reduce(-2) { $0 + $1.instructions.count + 2 }
        try check(rest)
        var code: [Instruction] = []
        code.reserveCapacity(rest)
        for part in parts.dropLast() {
            code.append(.split(Int16(part.instructions.count + 2)))
            code += part.instructions
            rest -= part.instructions.count + 2
            code.append(.jump(Int16(rest + 1)))
        }
        return Self(code + (parts.last?.instructions ?? []))
    }

    /// How often something is matched in a row.
    struct Repetition {
        let least: Int
        /// Not below `least`; nil if there is no limit.
        let most: Int?

        static let limit = 1_000
    }

    func repeated(_ times: Repetition) throws(PatternFault) -> Self {
        let count = instructions.count
        // Nothing stays nothing, however often it is repeated.
        guard count > 0 else { return self }
        // Before anything is copied. Neither factor exceeds a few thousand.
        let optional = times.most.map { ($0 - times.least) * (count + 1) }
        try Self.check(times.least * count + (optional ?? (times.least > 0 ? 1 : count + 2)))
        var code: [Instruction] = []
        for _ in 0..<times.least { code += instructions }
        if let optional {
            // Each may be the first that is left out, and then those after it are too.
            for rest in stride(from: optional, to: 0, by: -(count + 1)) {
                code.append(.split(Int16(rest)))
                code += instructions
            }
        } else if times.least > 0 {
            code.append(.split(Int16(-count)))
        } else {
            code.append(.split(Int16(count + 2)))
            code += instructions
            code.append(.split(Int16(-count)))
        }
        return Self(code)
    }

    private static func check(_ count: Int) throws(PatternFault) {
        // One more ends the program.
        guard count < limit else {
            throw .init(
                sentence:
                    "its repetitions make it too large; expected at most \(limit) positions with all of them expanded"
            )
        }
    }

    /// Time is this times the length of a value, memory this times some bytes. Sixteen times a
    /// label of 63 characters is half of it.
    static let limit = 4_096
}
