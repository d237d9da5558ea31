// `parleyd check`: whether a table is good, and who could run what.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Console

/// Reads a table as the server would, says what it allows, and ends the process.
///
/// - Parameter words: the command line behind `check`.
/// - Throws: `UsageError`, and `TableError` for the table's first mistake.
func check(_ words: [String]) throws -> Never {
    let arguments = try Arguments(words, flags: ["help"], valued: ["commands", "as"])
    if arguments.has("help") { endAfterPrinting(checkHelp, failure: 64) }
    if let extra = arguments.operands.first ?? arguments.rest?.first {
        throw UsageError("'\(extra)' is one argument too many; the table is named by --commands")
    }
    guard let path = arguments["commands"] else {
        throw UsageError("check needs --commands FILE, the table to check")
    }
    let asked = try identity(arguments.all("as"))
    let table = try CommandTable(file: path)
    let report = asked.map { table.report(for: $0) } ?? table.report
    endAfterPrinting(report.map { printable($0) + "\n" }.joined(), failure: 64)
}

/// The one certificate that has these names; nil for none.
private func identity(_ texts: [String]) throws(UsageError) -> Identity? {
    guard !texts.isEmpty else { return nil }
    if let text = texts.first(where: { !Identity.isIdentity($0) }) {
        throw UsageError(
            "'\(text)' is no identity for --as, which takes dns:NAME, email:ADDRESS, uri:URI or key:sha256:BASE64"
        )
    }
    let keys = texts.filter { $0.utf8.starts(with: "key:".utf8) }
    guard keys.count < 2 else {
        throw UsageError("--as names two keys, and one certificate has one")
    }
    return Identity(names: texts.filter { !keys.contains($0) }, key: keys.first ?? "")
}

extension CommandTable {
    /// For each identity that the table names what it could run, and first for anyone.
    fileprivate var report: [String] {
        var lines: [String] = []
        let replies = entries.filter { if case .reply = $0.action { true } else { false } }
        if !replies.isEmpty {
            lines += ["anyone who may connect:"] + listing(replies) + [""]
        }
        // No certificate has this name: whoever the table does not name at all.
        let stranger = Identity(names: ["anyone"], key: "")
        lines += ["anyone whose certificate the client CA signed:"] + programs(for: stranger)
        for text in identities {
            let isKey = text.utf8.starts(with: "key:".utf8)
            let identity = Identity(names: isKey ? [] : [text], key: isKey ? text : "")
            lines += ["", "\(text):"] + programs(for: identity)
        }
        return lines
    }

    fileprivate func report(for identity: Identity) -> [String] {
        let all = identity.names + (identity.key.isEmpty ? [] : [identity.key])
        var lines = all.dropLast().map { "\($0)," } + ["\(all.last ?? ""):"]
        lines += programs(for: identity)
        if identity.key.isEmpty, identities.contains(where: { $0.utf8.starts(with: "key:".utf8) }) {
            lines += [
                "", "The table names keys as well: add this one's with --as key:sha256:BASE64.",
            ]
        }
        return lines
    }

    private func programs(for identity: Identity) -> [String] {
        let permitted = entries.filter { entry in
            if case .program = entry.action { entry.permits(identity) } else { false }
        }
        return permitted.isEmpty ? ["  may run nothing"] : listing(permitted)
    }

    /// Usage and summary in two columns, and below one another where that is too wide.
    private func listing(_ entries: [CommandEntry]) -> [String] {
        let widths = entries.map(\.usage.count).filter { $0 <= Self.usageWidth }
        let width = widths.max() ?? 0
        return entries.flatMap { entry -> [String] in
            let indent = String(repeating: " ", count: width + 4)
            var summary = wrapped(entry.summary, width: Self.lineWidth - indent.count)
            var first = "  \(entry.usage)"
            if entry.usage.count <= width, !summary.isEmpty {
                first += String(repeating: " ", count: width + 2 - entry.usage.count)
                first += summary.removeFirst()
            }
            return [first] + summary.map { indent + $0 }
        }
    }

    private func wrapped(_ text: String, width: Int) -> [String] {
        var lines: [String] = []
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\t" }) {
            if let last = lines.last, last.count + 1 + word.count <= width {
                lines[lines.count - 1] += " \(word)"
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }

    private static let lineWidth = 80
    private static let usageWidth = 30
}

private let checkHelp = """
    usage: parleyd check --commands FILE [--as IDENTITY]...

    Reads a table of commands as the server would, and says what each identity
    that it names could run.

      --commands FILE       the table
      --as IDENTITY         what a certificate with this name could run: dns:NAME,
                            email:ADDRESS, uri:URI or key:sha256:BASE64; several
                            are names of one certificate
      --help
    Ends with 0 for a good table, with 78 for one with a mistake, and with 64 where
    it was called wrongly.

    """
