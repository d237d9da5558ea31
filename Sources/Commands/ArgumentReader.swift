// Reads the arguments of a command.
// SPDX-License-Identifier: Apache-2.0
internal import JSON5
internal import System

/// Turns `arguments` into patterns.
struct ArgumentReader {
    let command: String

    typealias Definition = (argument: ProgramEntry.Argument, at: Int)

    /// The definitions by name.
    func read(
        _ node: JSON5Node?, _ notes: inout TableNotes
    ) throws(Mistake) -> [String: Definition] {
        let members =
            try node?.object("'arguments'", "an object that maps argument names to patterns")
            ?? []
        var patterns: [String: Definition] = [:]
        for member in members {
            let name = member.key
            guard Self.isName(name.utf8[...]) else {
                throw Mistake(
                    .invalidName, at: member.offset,
                    "\(quoted(name)) is not a valid argument name; expected letters, digits and _, not starting with a digit"
                )
            }
            guard patterns.count < Self.maxArguments else {
                throw Mistake(
                    .tooMany, at: member.offset,
                    "\(quoted(command)) has too many arguments; expected at most \(Self.maxArguments)"
                )
            }
            patterns[name] = (try argument(name, member.value, &notes), member.offset)
        }
        return patterns
    }

    private func argument(
        _ name: String, _ node: JSON5Node, _ notes: inout TableNotes
    ) throws(Mistake) -> ProgramEntry.Argument {
        let what = "the argument \(quoted(name))"
        let expected = "a pattern, or an object with 'pattern' and 'secret'"
        var (source, isSecret) = (node, false)
        switch node.content {
        case .string: break
        case .object:
            let fields = try Fields(node, what, known: ["pattern", "secret"])
            guard let pattern = fields["pattern"] else {
                throw Mistake(
                    .missingKey, at: node.offset, "\(what) has no pattern; expected 'pattern'")
            }
            source = pattern
            isSecret = try fields["secret"]?.bool("'secret'") ?? false
        default: throw node.wrongType(what, expected)
        }
        let text = try source.string("the pattern of \(what)", "a string")
        guard !hasControlCharacters(text) else {
            throw Mistake(
                .invalidPattern, at: source.offset,
                "the pattern of \(what) contains a control character; expected a class such as [[:space:]]"
            )
        }
        do {
            return ProgramEntry.Argument(
                name: name, pattern: try notes.patterns.pattern(text), isSecret: isSecret)
        } catch let fault as PatternFault {
            throw Mistake(
                .invalidPattern, at: source.offset,
                "the pattern of \(what) cannot be used: \(fault.sentence)")
        } catch {
            throw Mistake(
                .tooMany, at: source.offset,
                "the table's patterns are too large together; expected at most \(PatternStock.maxPositions) positions with all repetitions expanded, counting equal patterns once"
            )
        }
    }

    /// `[A-Za-z_][A-Za-z0-9_]*`
    static func isName(_ bytes: Substring.UTF8View) -> Bool {
        func isLetter(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: "_")
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }
        guard let first = bytes.first, isLetter(first) else { return false }
        return bytes.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) }
    }

    private static let maxArguments = 64
}
