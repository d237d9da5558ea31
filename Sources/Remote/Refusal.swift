// Why a command was not started.
// SPDX-License-Identifier: Apache-2.0
internal import System

/// Why a command was not started.
public struct Refusal: Error, Hashable, Sendable {
    /// What to branch on; docs/protocol.md says what each means.
    public enum Code: UInt8, CaseIterable, Sendable {
        case unknownCommand = 1
        case notAllowed = 2
        case badArgument = 3
        case busy = 4
        case tooLarge = 5
        case malformed = 6
        case shuttingDown = 7
        case unavailable = 8
        case cancelled = 9

        /// What the audit trail, `--json` and `--status-fd` call it; docs/audit.md lists them.
        public var word: String { String(describing: self) }
    }

    /// The code on the wire.
    public let code: Code
    /// One sentence without its full stop, for people. If it came over the wire, it can contain
    /// anything.
    public let sentence: String
    /// Which of the server's limits was reached, for its records; it is not on the wire.
    package let limit: Limit?

    public init(_ code: Code, _ sentence: String) {
        self.code = code
        self.sentence = sentence
        limit = nil
    }

    /// A refusal as busy, because a limit was reached.
    package init(_ limit: Limit, _ sentence: String) {
        code = .busy
        self.sentence = sentence
        self.limit = limit
    }

    /// The limits of the server and its table that make the server answer "busy".
    package enum Limit: UInt8, CaseIterable, Sendable {
        /// Programs of one command at once.
        case concurrency = 1
        /// The same, of one identity.
        case perIdentity = 2
        /// Programs of one identity at once, of all commands.
        case identityPrograms = 3
        /// Starts by one identity within a period.
        case identityStarts = 4
        /// Sessions at once.
        case sessions = 5
        /// The same, of one identity.
        case identitySessions = 6
        /// Sessions that only an identity without one may have.
        case reservedSessions = 7
        /// Comparing one identity's arguments with patterns within some time.
        case identityMatching = 8
    }

    /// Its frame. The sentence is cut if it is too long.
    package var frame: [UInt8] {
        var payload = [code.rawValue]
        var length = 0
        for character in sentence {
            length += character.utf8.count
            if length > Frame.longestSentence { break }
            payload += character.utf8
        }
        var frame: [UInt8] = []
        frame.append(.refusal, payload)
        return frame
    }
}

extension Refusal {
    /// - Parameter name: the command's; empty if it isn't known.
    package static func tooLarge(_ name: String) -> Refusal {
        Refusal(
            .tooLarge,
            "\(name.isEmpty ? "the command" : shown(name)) is too large: a command can have at most \(Frame.argumentLimit) arguments and \(Frame.requestLimit) bytes; send less, or send it as input"
        )
    }
}
