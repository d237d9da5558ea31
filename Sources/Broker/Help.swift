// What the server says of its commands to those who may not run them as they asked.
// SPDX-License-Identifier: Apache-2.0
internal import Commands

/// What an identity may run, a command a line.
func help(for identity: Identity, _ table: CommandTable) -> String {
    let lines = table.entries.filter { $0.permits(identity) }.map { ($0.usage, $0.help) }
    guard !lines.isEmpty else {
        return "You may run nothing here as \(identity); ask the server's administrator.\n"
    }
    let width = min(32, lines.map(\.0.count).max() ?? 0)
    return lines.map { usage, summary in
        summary.isEmpty
            ? usage + "\n"
            : usage + String(repeating: " ", count: max(0, width - usage.count) + 2) + summary
                + "\n"
    }.joined()
}

extension CommandEntry {
    /// Its summary, and whether it can be run at all.
    fileprivate var help: String {
        guard case .program(let program) = action, !program.isAvailable else { return summary }
        return summary.isEmpty ? "(unavailable)" : "\(summary) (unavailable)"
    }
}
