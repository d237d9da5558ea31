// Reads what stands in a command beside `run`.
// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Turns one command's members into its program.
struct ProgramReader {
    let command: String

    func read(_ run: JSON5Node, _ fields: Fields) throws(Mistake) -> ProgramEntry {
        let patterns = try self.patterns(fields["arguments"])
        let expected = "an array of strings, a program and its arguments"
        let nodes = try run.array("'run'", expected)
        guard nodes.count <= Self.mostWords else {
            throw Mistake(
                .tooMany, at: nodes[Self.mostWords].offset,
                "'run' is too long; expected at most \(Self.mostWords) strings")
        }
        guard let first = nodes.first else {
            throw Mistake(.invalidProgram, at: run.offset, "'run' is empty; expected \(expected)")
        }
        let path = try program(first)
        // In the order of their first use, which is the one in which clients give them.
        var order: [String: Int] = [:]
        func word(_ node: JSON5Node, _ what: String) throws(Mistake) -> ProgramEntry.Word {
            let text = try Self.string(node, what, "a string")
            guard let name = try Self.placeholder(text, node) else { return .literal(text) }
            guard patterns[name] != nil else {
                throw Mistake(
                    .undefinedArgument, at: node.offset,
                    "{\(escaped(name, limit: 60))} has no pattern; expected one in 'arguments' of \(quoted(command))"
                )
            }
            let index = order[name] ?? order.count
            order[name] = index
            return .argument(index)
        }
        var words: [ProgramEntry.Word] = []
        for node in nodes.dropFirst() { words.append(try word(node, "an argument in 'run'")) }
        var environment: [String: ProgramEntry.Word] = [:]
        for member in try variables(fields["environment"]) {
            environment[member.key] = try word(
                member.value, "the variable '\(member.key)' in 'environment'")
        }
        let unused = patterns.filter { order[$0.key] == nil }.min { $0.value.at < $1.value.at }
        if let unused {
            throw Mistake(
                .unusedArgument, at: unused.value.at,
                "the argument '\(unused.key)' is not used; expected {\(unused.key)} in 'run' or 'environment'"
            )
        }
        let arguments = order.sorted { $0.value < $1.value }.compactMap {
            patterns[$0.key]?.argument
        }
        return ProgramEntry(
            command: command, path: path, words: words, environment: environment,
            arguments: arguments, limits: try ProgramLimits(fields))
    }

    /// The members of `environment`, whose names are variables' and not the server's own.
    private func variables(_ node: JSON5Node?) throws(Mistake) -> [JSON5Node.Member] {
        let members =
            try node?.object("'environment'", "an object with a string at each variable's name")
            ?? []
        guard members.count <= Self.mostVariables else {
            throw Mistake(
                .tooMany, at: members[Self.mostVariables].offset,
                "'environment' is too long; expected at most \(Self.mostVariables) variables")
        }
        for member in members {
            guard Self.isName(member.key.utf8[...]) else {
                throw Mistake(
                    .invalidName, at: member.offset,
                    "\(quoted(member.key)) cannot name a variable; expected letters, digits and _, and no digit in front"
                )
            }
            // A script must be able to believe what they say of who asks.
            guard !member.key.utf8.starts(with: "PARLEY_".utf8) else {
                throw Mistake(
                    .reservedName, at: member.offset,
                    "the variable '\(member.key)' is set by the server; expected a name that does not begin with PARLEY_"
                )
            }
        }
        return members
    }

    private typealias Definition = (argument: ProgramEntry.Argument, at: Int)

    private func patterns(_ node: JSON5Node?) throws(Mistake) -> [String: Definition] {
        let members =
            try node?.object("'arguments'", "an object with a pattern at each argument's name")
            ?? []
        var patterns: [String: Definition] = [:]
        for member in members {
            let name = member.key
            guard Self.isName(name.utf8[...]) else {
                throw Mistake(
                    .invalidName, at: member.offset,
                    "\(quoted(name)) is no argument's name; expected letters, digits and _, and no digit in front"
                )
            }
            guard patterns.count < Self.mostArguments else {
                throw Mistake(
                    .tooMany, at: member.offset,
                    "\(quoted(command)) has too many arguments; expected at most \(Self.mostArguments)"
                )
            }
            patterns[name] = (try argument(name, member.value), member.offset)
        }
        return patterns
    }

    private func argument(
        _ name: String, _ node: JSON5Node
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
        do throws(PatternSyntax.Fault) {
            return ProgramEntry.Argument(name: name, pattern: try Pattern(text), isSecret: isSecret)
        } catch {
            throw Mistake(
                .invalidPattern, at: source.offset,
                "the pattern of \(what) cannot be used: \(error.sentence)")
        }
    }

    private func program(_ node: JSON5Node) throws(Mistake) -> String {
        let expected = "the absolute path of an executable file"
        let path = try Self.string(node, "the program in 'run'", expected)
        if try Self.placeholder(path, node) != nil {
            throw Mistake(
                .invalidPlaceholder, at: node.offset,
                "a placeholder stands for the program; expected \(expected), which clients do not choose"
            )
        }
        let fault: String
        var status = stat()
        if path.utf8.first != UInt8(ascii: "/") {
            fault = "is no absolute path"
        } else if unsafe stat(path, &status) != 0 {
            let reason = unsafe String(cString: strerror(errno))
            fault = "cannot be found (\(reason))"
        } else if status.st_mode & S_IFMT != S_IFREG {
            fault = "is no regular file"
        } else if unsafe access(path, X_OK) != 0 {
            fault = "is not executable for this user"
        } else {
            return path
        }
        throw Mistake(
            .invalidProgram, at: node.offset,
            "the program '\(escaped(path, limit: 4_096))' \(fault); expected \(expected)")
    }

    /// A string that can be handed to the kernel.
    static func string(
        _ node: JSON5Node, _ what: String, _ expected: String
    ) throws(Mistake) -> String {
        let text = try node.string(what, expected)
        guard !text.utf8.contains(0) else {
            throw Mistake(
                .invalidValue, at: node.offset,
                "\(what) contains a NUL byte; expected \(expected) without one")
        }
        guard text.utf8.count <= longestString else {
            throw Mistake(
                .invalidValue, at: node.offset,
                "\(what) is too long; expected at most \(longestString) bytes")
        }
        return text
    }

    /// The name in an argument that is wholly `{name}`; nil where there is no placeholder.
    private static func placeholder(
        _ text: String, _ node: JSON5Node
    ) throws(Mistake) -> String? {
        let bytes = text.utf8
        var start: String.Index?
        for index in bytes.indices {
            if bytes[index] == UInt8(ascii: "{") { start = bytes.index(after: index) }
            guard bytes[index] == UInt8(ascii: "}"), let begin = start else { continue }
            start = nil
            guard isName(bytes[begin..<index]) else { continue }
            let name = String(text[begin..<index])
            guard bytes.count == name.utf8.count + 2 else {
                throw Mistake(
                    .invalidPlaceholder, at: node.offset,
                    "{\(escaped(name, limit: 60))} is only a part of an argument; expected it alone, as a placeholder stands for a whole argument"
                )
            }
            return name
        }
        return nil
    }

    /// `[A-Za-z_][A-Za-z0-9_]*`
    private static func isName(_ bytes: Substring.UTF8View) -> Bool {
        func isLetter(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: "_")
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }
        guard let first = bytes.first, isLetter(first) else { return false }
        return bytes.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) }
    }

    private static let mostArguments = 64
    private static let mostWords = 1_024
    private static let mostVariables = 256
    /// The kernel's MAX_ARG_STRLEN, less the NUL behind it.
    private static let longestString = 131_071
}
