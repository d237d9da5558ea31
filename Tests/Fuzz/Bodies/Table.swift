// Fuzzes the table of commands.
// SPDX-License-Identifier: Apache-2.0
import System

@testable import Commands

func fuzzTable(_ bytes: [UInt8]) throws(Finding) {
    let text = String(decoding: bytes, as: UTF8.self)
    try compareTree(text)
    let result = read(text)
    try require(read(text).summary == result.summary, "a text is read alike each time")
    if !text.utf8.starts(with: "\u{feff}".utf8) {
        try require(
            read("\u{feff}" + text).summary == result.summary, "a byte order mark is nothing")
    }
    switch result {
    case .table(let table):
        try check(table)
        let bare = text.utf8.starts(with: "\u{feff}".utf8) ? dropMark(text) : text
        // A carriage return alone ends a line only where no line feed does.
        let end = text.utf8.contains(13) && !text.utf8.contains(10) ? "\r" : "\n"
        try require(
            read(" /* */ " + bare + end + "// " + end).summary == result.summary,
            "blanks and comments are nothing")
    case .mistake(let error):
        let lines = text.utf8.count { $0 == 10 || $0 == 13 } + 1
        try require(isPrintable(error.description), "a mistake is one line")
        guard let line = error.line, let column = error.column else {
            throw Finding(description: "a mistake has its place")
        }
        try require(
            (1...lines).contains(line) && (1...text.unicodeScalars.count + 1).contains(column),
            "a mistake's place is in the text")
        try require(
            error.description.utf8.starts(with: "t:\(line):\(column): ".utf8)
                && error.description.utf8.count < 20_000, "a mistake is told with its place")
    }
}

private func dropMark(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.dropFirst()))
}

private enum Result {
    case table(CommandTable)
    case mistake(TableError)

    /// All that can be compared.
    var summary: [String] {
        switch self {
        case .mistake(let error): ["\(error.code)", error.description]
        case .table(let table):
            table.entries.map { "\($0.usage) \($0.summary) \($0.action)" } + table.identities
                + table.warnings.map(\.code.rawValue)
        }
    }
}

private func read(_ text: String) -> Result {
    do throws(TableError) {
        return .table(try CommandTable(text: text, name: "t"))
    } catch {
        return .mistake(error)
    }
}

private func check(_ table: CommandTable) throws(Finding) {
    try require(
        table.warnings.allSatisfy { isPrintable($0.description) }, "a warning is one line")
    for identity in table.identities {
        try require(Identity.isIdentity(identity), "those whom a table names are identities")
    }
    for entry in table.entries {
        try require(
            (1...255).contains(entry.name.utf8.count) && !hasControlCharacters(entry.name),
            "a command's name is in its limits")
        try require(table[entry.name]?.name == entry.name, "a command is found by its name")
        try require(
            entry.summary.utf8.count < 1_024 && isTextLine(entry.summary), "a summary is a line")
        let stranger = Identity(names: [], key: "")
        switch entry.action {
        case .reply(let text, _):
            try require(
                (1...1_023).contains(text.utf8.count) && isTextLine(text), "a reply is a message")
        case .program(let program):
            try require(!entry.permits(stranger), "nobody without a certificate runs a program")
            try check(program)
        }
    }
}

private func isTextLine(_ text: String) -> Bool { !hasControlCharacters(text, except: "\t") }

private func check(_ program: ProgramEntry) throws(Finding) {
    try require(
        program.path.utf8.first == UInt8(ascii: "/")
            && program.directory.utf8.first == UInt8(ascii: "/")
            && !program.path.utf8.contains(0), "paths are absolute")
    try require(
        program.timeout > .zero && program.timeout <= .seconds(31_536_000)
            && program.outputLimit > 0
            && (1...10_000).contains(program.concurrency)
            && (1...10_000).contains(program.perIdentity) && program.umask <= 0o777
            && program.grace.map { $0 > .zero && $0 <= .seconds(31_536_000) } ?? true
            && program.arguments.count <= 64, "limits are in their ranges")
    for value in ["", "/srv", "-x", "\0", "é"] {
        let values = program.arguments.map { _ in value }
        var work = MatchingWork()
        switch program.invocation(for: values, &work) {
        case .success(let invocation):
            let words = invocation.arguments + invocation.environment.flatMap { [$0, $1] }
            try require(!words.contains { $0.utf8.contains(0) }, "no text ends early")
            try require(
                invocation.environment.keys.allSatisfy {
                    !$0.utf8.contains(UInt8(ascii: "=")) && !$0.utf8.starts(with: "PARLEY_".utf8)
                }, "a variable is not the server's own")
        case .failure(let reason):
            try require(!values.isEmpty, "what takes no arguments refuses none")
            try require(isPrintable(reason.description), "a refusal is one line")
        }
        guard case .failure = program.invocation(for: values + [value], &work) else {
            throw Finding(description: "one argument too many is refused")
        }
    }
}
