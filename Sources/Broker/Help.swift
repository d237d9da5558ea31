// What the server tells those who may not run a command as they asked.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import System

/// What an identity may run, one command per line.
func help(for identity: Identity, _ table: CommandTable) -> String {
    let entries = table.entries.filter { $0.permits(identity) }
    guard !entries.isEmpty else {
        return "You may not run anything here as \(identity); ask the server's administrator.\n"
    }
    let width = min(32, entries.map(\.usageWidth).max() ?? 0)
    var text = ""
    for entry in entries {
        text += entry.usage
        let help = entry.help
        if !help.isEmpty {
            text += String(repeating: " ", count: max(0, width - entry.usageWidth) + 2) + help
        }
        text += "\n"
    }
    return text
}

/// What a command's arguments must look like, below its line of `help(for:_:)`.
func help(on entry: CommandEntry) -> String {
    var text = entry.usage
    if !entry.help.isEmpty { text += "  \(entry.help)" }
    text += "\n"
    guard case .program(let program) = entry.action else { return text }
    for argument in program.arguments {
        let pattern = escaped(argument.pattern, limit: 1_023)
        text +=
            "  \(argument.name): " + (argument.words.map { "\($0)  (\(pattern))" } ?? pattern)
            + "\n"
    }
    if program.takesInput { text += "  It gets standard input.\n" }
    return text
}

extension CommandEntry {
    /// Its summary, and whether it can be run at all.
    fileprivate var help: String {
        guard case .program(let program) = action, !program.isAvailable else { return summary }
        return summary.isEmpty ? "(unavailable)" : "\(summary) (unavailable)"
    }
}
