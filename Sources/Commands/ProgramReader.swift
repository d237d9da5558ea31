// Reads the entry of a command that has `run`.
// SPDX-License-Identifier: Apache-2.0
internal import JSON5
internal import System

/// Turns one command's members into its program.
struct ProgramReader {
    let command: String
    /// Its place.
    let at: Int

    /// - Parameter notes: the whole table's.
    func read(
        _ run: JSON5Node, _ fields: Fields, _ notes: inout TableNotes
    ) throws(Mistake) -> ProgramEntry {
        let patterns = try ArgumentReader(command: command).read(fields["arguments"], &notes)
        let expected = "an array of strings, a program and its arguments"
        let nodes = try run.array("'run'", expected)
        guard nodes.count <= Self.maxWords else {
            throw Mistake(
                .tooMany, at: nodes[Self.maxWords].offset,
                "'run' is too long; expected at most \(Self.maxWords) strings")
        }
        guard let first = nodes.first else {
            throw Mistake(.invalidProgram, at: run.offset, "'run' is empty; expected \(expected)")
        }
        let isOptional = try fields["optional"]?.bool("'optional'") ?? false
        let runner = ProgramRunner(
            user: try notes.users.user(fields["user"], of: command, at: at),
            isPrivileged: try fields["privileged"]?.bool("'privileged'") ?? false)
        let program = try self.program(first, for: runner, isOptional: isOptional, &notes)
        // In the order of their first use, in which clients pass them.
        var order: [String: Int] = [:]
        func word(_ node: JSON5Node, _ what: String) throws(Mistake) -> ProgramEntry.Word {
            let text = try node.kernelString(what, "a string")
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
        for node in nodes.dropFirst() {
            words.append(try word(node, "an argument in 'run'"))
            let name = try Self.placeholder(try node.kernelString("", ""), node)
            if let name, patterns[name]?.argument.isSecret == true {
                notes.warn(
                    .secretInArguments, node.offset,
                    "the secret argument '\(name)' of \(quoted(command)) is one of the program's arguments, which every user of this machine can read; pass it in 'environment' instead"
                )
            }
        }
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
            command: command, path: program.path, isAvailable: program.isThere, words: words,
            environment: environment, arguments: arguments, runner: runner,
            limits: try ProgramLimits(
                fields, for: runner, looksAtDirectory: program.isThere, &notes))
    }

    /// The members of `environment`, whose names are valid for variables and not reserved for the
    /// server.
    private func variables(_ node: JSON5Node?) throws(Mistake) -> [JSON5Node.Member] {
        let members =
            try node?.object("'environment'", "an object that maps variable names to strings")
            ?? []
        guard members.count <= Self.maxVariables else {
            throw Mistake(
                .tooMany, at: members[Self.maxVariables].offset,
                "'environment' is too long; expected at most \(Self.maxVariables) variables")
        }
        for member in members {
            guard ArgumentReader.isName(member.key.utf8[...]) else {
                throw Mistake(
                    .invalidName, at: member.offset,
                    "\(quoted(member.key)) is not a valid variable name; expected letters, digits and _, not starting with a digit"
                )
            }
            // A script must be able to trust what they say about the client.
            guard !member.key.utf8.starts(with: "PARLEY_".utf8) else {
                throw Mistake(
                    .reservedName, at: member.offset,
                    "the variable '\(member.key)' is set by the server; expected a name that does not begin with PARLEY_"
                )
            }
        }
        return members
    }

    private func program(
        _ node: JSON5Node, for runner: ProgramRunner, isOptional: Bool, _ notes: inout TableNotes
    ) throws(Mistake) -> (path: String, isThere: Bool) {
        let expected = "the absolute path of an executable file"
        let path = try node.kernelString("the program in 'run'", expected)
        if try Self.placeholder(path, node) != nil {
            throw Mistake(
                .invalidPlaceholder, at: node.offset,
                "the program is a placeholder; expected \(expected), not one that clients choose"
            )
        }
        func mistake(_ flaw: ProgramFile.Flaw) -> Mistake {
            Mistake(
                .invalidProgram, at: node.offset,
                "the program '\(escaped(path, limit: 4_096))' \(flaw.words); expected \(expected)",
                cause: flaw.cause)
        }
        guard path.utf8.first == UInt8(ascii: "/") else {
            throw mistake("is not an absolute path")
        }
        switch ProgramFile.look(at: path, for: runner) {
        case .good: return (path, true)
        case .unseen:
            notes.warn(
                .unseenProgram, node.offset,
                "this user cannot read the program '\(escaped(path))', so parleyd did not check whether it can start"
            )
            return (path, true)
        case .missing(let flaw) where isOptional:
            notes.warn(
                .unavailable, node.offset,
                "the command \(quoted(command)) is unavailable on this machine: the program '\(escaped(path))' \(flaw.words)"
            )
            return (path, false)
        case .missing(let flaw), .unusable(let flaw): throw mistake(flaw)
        case .replaceable(let code, let flaw):
            throw Mistake(
                code, at: node.offset,
                "the program '\(escaped(path, limit: 4_096))' \(flaw.words)", cause: flaw.cause)
        }
    }

    /// The name in an argument that consists of `{name}`; nil if there is no placeholder.
    private static func placeholder(
        _ text: String, _ node: JSON5Node
    ) throws(Mistake) -> String? {
        let bytes = text.utf8
        var start: String.Index?
        for index in bytes.indices {
            if bytes[index] == UInt8(ascii: "{") { start = bytes.index(after: index) }
            guard bytes[index] == UInt8(ascii: "}"), let begin = start else { continue }
            start = nil
            guard ArgumentReader.isName(bytes[begin..<index]) else { continue }
            let name = String(text[begin..<index])
            guard bytes.count == name.utf8.count + 2 else {
                throw Mistake(
                    .invalidPlaceholder, at: node.offset,
                    "{\(escaped(name, limit: 60))} is only part of an argument; expected it alone, because a placeholder replaces a whole argument"
                )
            }
            return name
        }
        return nil
    }

    private static let maxWords = 1_024
    private static let maxVariables = 256
}
