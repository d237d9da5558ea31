// What may come next on parley's command line.
// SPDX-License-Identifier: Apache-2.0
internal import Conversations
internal import System

/// The candidates for the word at the cursor, for a shell's completion. What the server offers is asked for only after
/// `--`: until then the host may still be being typed.
struct Completion {
    enum Candidates {
        /// The words among these that begin with what was typed.
        case words([String])
        /// The shell's own: paths and folders.
        case files, folders
        /// Those of these hosts that begin with what was typed, and the shell's own.
        case hosts([String])
    }

    let candidates: Candidates

    /// - Parameters:
    ///   - words: those of the command line after its first, up to the one at the cursor, which may be empty.
    ///   - hosts: the names that a configuration has; its parameter is what `--config` names.
    ///   - help: what the server says that may be run, given the words before `--`.
    init(_ words: [String], hosts: (String?) -> [String], help: ([String]) -> String) {
        let typed = words.last ?? ""
        let before = Array(words.dropLast())
        switch Self.candidates(before, typed, help) {
        case .words(let list): candidates = .words(list.filter { $0.hasPrefix(typed) })
        case .hosts:
            let names = hosts(Self.configuration(before))
            candidates = .hosts(names.filter { $0.hasPrefix(typed) })
        case let others: candidates = others
        }
    }

    /// As `parley complete` prints them, a line each. One that begins with a colon is the shell's own kind; no
    /// candidate does.
    var text: String {
        switch candidates {
        case .words(let words): words.joined(separator: "\n")
        case .files: ":files"
        case .folders: ":folders"
        case .hosts(let names): (names + [":hosts"]).joined(separator: "\n")
        }
    }

    private static func candidates(
        _ before: [String], _ typed: String, _ help: ([String]) -> String
    ) -> Candidates {
        if let end = before.firstIndex(of: "--") {
            return .words(commands(before[..<end], Array(before[(end + 1)...]), help))
        }
        if let last = before.last, last.hasPrefix("--"),
            let kind = values[String(last.dropFirst(2))]
        {
            return kind
        }
        let operands = operands(of: before)
        if typed.hasPrefix("-") {
            return .words(options(for: operands))
        }
        switch (operands.first, operands.count) {
        case (nil, _):
            return .words(["run", "config", "pair"] + Conversation.allCases.map(\.rawValue))
        case ("pair", 1): return .words(["hello"])
        case ("pair", _): return .words([])
        case (_, 1): return .hosts([])
        case ("run", 2), ("command", 2): return .words(["--"])
        default: return .words([])
        }
    }

    /// The words that are neither options nor values of options.
    private static func operands(of words: [String]) -> [String] {
        var operands: [String] = []
        var isValue = false
        for word in words {
            if isValue {
                isValue = false
            } else if word.hasPrefix("--") {
                isValue = ClientOptions.valued.contains(String(word.dropFirst(2)))
            } else if !word.hasPrefix("-") {
                operands.append(word)
            }
        }
        return operands
    }

    /// What the last `--config` names.
    private static func configuration(_ words: [String]) -> String? {
        let option = "--config"
        return zip(words, words.dropFirst() + [""]).reduce(nil as String?) { found, pair in
            if pair.0 == option { return pair.1 }
            return pair.0.hasPrefix("\(option)=")
                ? String(pair.0.dropFirst(option.count + 1)) : found
        }
    }

    private static func options(for operands: [String]) -> [String] {
        let others: Set<String> =
            switch operands.first {
            case "run": ["plaintext"]
            case "config": ["plaintext", "batch", "status-fd"]
            default: Set(ClientOptions.runsOwn)
            }
        let names = (ClientOptions.flags + ClientOptions.valued).filter {
            operands.isEmpty || !others.contains($0)
        }
        return names.map { "--\($0)" } + (operands.count > 1 ? ["--"] : [])
    }

    /// What the server lets run, after `--`.
    private static func commands(
        _ before: ArraySlice<String>, _ command: [String], _ help: ([String]) -> String
    ) -> [String] {
        let before = Array(before)
        guard operands(of: before).first == "run", command.isEmpty || command == ["help"],
            // They end before anything is asked.
            !before.contains(where: { ["--help", "-h", "--version"].contains($0) })
        else { return [] }
        let names = OfferedCommand.all(in: help(before)).map(\.name)
        return names + (command.isEmpty ? ["help", "whoami"] : [])
    }

    /// What the values of options are.
    static let values: [String: Candidates] = [
        "ca": .files, "cert": .files, "key": .files, "crl": .files, "keylog": .files,
        "config": .files, "certs": .folders, "server-name": .hosts([]),
        "tls-min": .words(["1.2", "1.3"]),
        "port": .words([]), "connect-timeout": .words([]), "status-fd": .words([]),
        "keepalive": .words([]), "pin": .words([]), "handshake-timeout": .words([]),
        "idle-timeout": .words([]), "close-timeout": .words([]),
        "timeout": .words([]),
    ]
}
