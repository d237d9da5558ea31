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

extension Refusal {
    /// - Parameter name: the command's; empty where it isn't known.
    static func tooLarge(_ name: String) -> Refusal {
        Refusal(
            .tooLarge,
            "\(name.isEmpty ? "the command" : shown(name)) is too large: a command has at most \(Frame.argumentLimit) arguments and \(Frame.requestLimit) bytes; send less, or send it as input"
        )
    }

    static func cancelled(_ name: String) -> Refusal {
        Refusal(.cancelled, "\(shown(name)) was cancelled before its turn came")
    }

    static func unknownCommand(_ name: String) -> Refusal {
        Refusal(
            .unknownCommand,
            "the server has no command \(shown(name)); the command help lists those you may use")
    }

    /// - Parameter word: which argument, from 1; 0 for the name itself.
    static func notText(_ word: Int, of name: String) -> Refusal {
        word == 0
            ? Refusal(.unknownCommand, "the command's name is not valid UTF-8")
            : Refusal(
                .badArgument,
                "argument \(word) of \(shown(name)) is not valid UTF-8; every argument must be")
    }

    /// A program did not start. Where its files are is not the client's business.
    static func cannotStart(_ name: String) -> Refusal {
        Refusal(.unavailable, "\(name) cannot be started; tell the server's administrator")
    }

    static func unavailable(_ name: String) -> Refusal {
        Refusal(
            .unavailable,
            "\(name) is unavailable: its program is not installed on the server's machine; ask its administrator"
        )
    }
}

/// A name that a client sent, for a sentence: it may be long, and made to deceive.
private func shown(_ name: String) -> String {
    let scalars = name.unicodeScalars
    let text = scalars.prefix(60).map { scalar -> String in
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: "?"
        default: String(scalar)
        }
    }
    return "'\(text.joined())\(scalars.count > 60 ? "…" : "")'"
}
