// The words that a line at a prompt may begin with.
// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
internal import System

/// Completes a line's command, and knows whose lines are secret. Usable from any thread, since lines are edited on
/// their own.
public final class LineWords: Sendable {
    /// What the Tab key does.
    enum Completion: Equatable {
        /// What was typed goes on like this.
        case insert(String)
        /// It may go on as any of these.
        case choices([String])
        /// Nothing begins like this.
        case nothing
        /// Tab is a blank here.
        case blank
    }

    private struct State {
        var names: [String] = []
        var secret: Set<String> = []
    }

    private let state = Mutex(State())

    public init() {}

    /// - Parameters:
    ///   - names: those that can't be shown at a terminal are left out.
    ///   - secret: the names of commands that have a secret argument.
    public func set(_ names: [String], secret: Set<String>) {
        let shown = Set(names).filter { printable($0) == $0 && !$0.isEmpty }.sorted()
        state.withLock { $0 = State(names: shown, secret: secret) }
    }

    /// Whether a line has a secret argument, or could have.
    public func isSecret(_ line: String) -> Bool {
        // A line whose quotes don't match is not sent, but may be kept to be mended.
        let words = (try? words(of: line)) ?? line.split(separator: " ").map(String.init)
        let name = words.first == "--" ? words.dropFirst().first : words.first
        guard let name, words.count > 1 else { return false }
        return state.withLock { $0.secret.contains(name) }
    }

    /// - Parameter typed: the line up to the cursor.
    func completion(of typed: String) -> Completion {
        let names = state.withLock { $0.names }
        guard let words = Self.split(typed), let word = words.last else { return .blank }
        let candidates: [String]
        switch (words.count, words[0]) {
        case (1, _): candidates = Set(names + Self.own).sorted()
        case (2, "help"): candidates = names
        default: return .blank
        }
        let matches = candidates.filter { $0.hasPrefix(word) }
        guard let first = matches.first else { return .nothing }
        let common = matches.dropFirst().reduce(first) { $0.commonPrefix(with: $1) }
        let rest = Self.quoted(common.dropFirst(word.count))
        if matches.count == 1 { return .insert("\(rest) ") }
        return rest.isEmpty ? .choices(matches) : .insert(rest)
    }

    /// The session's own words, whatever the server has.
    private static let own = ["exit", "help", "quit", "whoami"]

    /// The words before the cursor, the last of which may be empty; nil if something in them is quoted otherwise than by
    /// a backslash.
    private static func split(_ typed: String) -> [String]? {
        var words: [String] = [""]
        var isEscaped = false
        for character in typed {
            switch character {
            case _ where isEscaped:
                words[words.count - 1].append(character)
                isEscaped = false
            case "\\": isEscaped = true
            case "'", "\"", "$": return nil
            case " ", "\t": if words.last?.isEmpty == false { words.append("") }
            default: words[words.count - 1].append(character)
            }
        }
        return isEscaped ? nil : words
    }

    private static func quoted(_ text: Substring) -> String {
        text.reduce(into: "") { text, character in
            if " \t'\"\\$#".contains(character) { text.append("\\") }
            text.append(character)
        }
    }
}

extension String {
    fileprivate func commonPrefix(with other: String) -> String {
        String(zip(self, other).prefix { $0 == $1 }.map(\.0))
    }
}
