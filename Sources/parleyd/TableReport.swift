// What a table allows, for people to read.
// SPDX-License-Identifier: Apache-2.0
internal import Commands

/// Reports what identities could run, one line at a time: a table of a few pages can allow more
/// than fits into memory.
struct TableReport {
    let table: CommandTable
    /// Receives each line.
    let print: (String) -> Void

    /// What each identity named in the table could run, beginning with what anyone could.
    func tellAll() {
        let replies = table.entries.filter {
            if case .reply = $0.action { true } else { false }
        }
        if !replies.isEmpty {
            print("anyone who can connect:")
            list(replies)
            print("")
        }
        // No certificate has this key: it stands for those whom the table does not name at all.
        print("anyone with a certificate from the client CA:")
        listPrograms(for: Identity(names: [], key: "anyone"))
        for text in table.identities {
            let isKey = text.utf8.starts(with: "key:".utf8)
            print("")
            print("\(text):")
            listPrograms(for: Identity(names: isKey ? [] : [text], key: isKey ? text : ""))
        }
    }

    /// What the one certificate that has these names could run.
    func tell(_ identity: Identity) {
        let all = identity.names + (identity.key.isEmpty ? [] : [identity.key])
        for text in all.dropLast() { print("\(text),") }
        print("\(all.last ?? ""):")
        listPrograms(for: identity)
        if identity.key.isEmpty,
            table.identities.contains(where: { $0.utf8.starts(with: "key:".utf8) })
        {
            print("")
            print("The table also names keys: add this certificate's with --as key:sha256:BASE64.")
        }
    }

    /// The users that programs run as: for all of them, or for those that an identity could run.
    func tellUsers(of identity: Identity?) {
        let entries = table.entries.filter { entry in
            guard case .program = entry.action else { return false }
            return identity.map(entry.permits) ?? true
        }
        guard !entries.isEmpty else { return }
        print("")
        print("Programs run as:")
        list(
            entries.compactMap { entry in
                guard case .program(let program) = entry.action else { return nil }
                let name = program.user.account.name
                return (entry.name, program.isPrivileged ? "\(name), and may gain rights" : name)
            })
    }

    private func listPrograms(for identity: Identity) {
        let permitted = table.entries.filter { entry in
            if case .program = entry.action { entry.permits(identity) } else { false }
        }
        if permitted.isEmpty { print("  nothing") }
        list(permitted)
    }

    /// Usage and summary in two columns, or one below the other if that is too wide.
    private func list(_ entries: [CommandEntry]) { list(entries.map { ($0.usage, $0.summary) }) }

    private func list(_ rows: [(left: String, right: String)]) {
        let widths = rows.map(\.left.count).filter { $0 <= Self.usageWidth }
        let width = widths.max() ?? 0
        for row in rows {
            let indent = String(repeating: " ", count: width + 4)
            var summary = wrapped(row.right, width: Self.lineWidth - indent.count)
            var first = "  \(row.left)"
            if row.left.count <= width, !summary.isEmpty {
                first += String(repeating: " ", count: width + 2 - row.left.count)
                first += summary.removeFirst()
            }
            print(first)
            for line in summary { print(indent + line) }
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
