// What a command came to.
// SPDX-License-Identifier: Apache-2.0
internal import Remote
internal import System

/// How a command ended, or why it was not started.
public enum Outcome: Hashable, Sendable {
    /// It ended by itself, with this exit status.
    case exited(UInt8)
    /// The signal with this number ended it, also if this client's cancel caused that.
    case signaled(UInt8)
    /// The server ended it because it exceeded the time limit of the server's table.
    case timedOut
    /// The server ended it because of too much output; what is within the limit was sent.
    case outputLimit
    /// The server could not end something of it and left that running.
    case leftRunning
    /// It was not started.
    case refused(Refusal)

    /// Whether it ended by itself with status 0.
    public var isSuccess: Bool { self == .exited(0) }

    /// The word for it in the objects of `parley run --json`, such as `exit` or `refused`.
    public var name: String {
        switch self {
        case .exited: "exit"
        case .signaled: "signal"
        case .timedOut: "time-out"
        case .outputLimit: "output-limit"
        case .leftRunning: "left-running"
        case .refused: "refused"
        }
    }

    init(_ outcome: Remote.Outcome) {
        self =
            switch outcome {
            case .ended(.status(let number)): .exited(number)
            case .ended(.signal(let number)): .signaled(number)
            case .timedOut: .timedOut
            case .overOutput: .outputLimit
            case .leftRunning: .leftRunning
            case .refused(let refusal): .refused(Refusal(refusal))
            }
    }
}

extension Outcome: CustomStringConvertible {
    /// A few words to follow the command's name.
    public var description: String {
        switch self {
        case .exited(let status): "ended with status \(status)"
        case .signaled(let signal): "ended by signal \(signal)"
        case .timedOut: "exceeded the server's time limit"
        case .outputLimit: "exceeded the server's output limit"
        case .leftRunning: "left something running that the server could not end"
        case .refused(let refusal): "refused (\(refusal.code)): \(refusal.sentence)"
        }
    }
}

/// Why a command was not started.
public struct Refusal: Hashable, Sendable {
    /// What to branch on.
    public enum Code: String, CaseIterable, Sendable {
        /// The server has no command of this name.
        case unknownCommand
        /// This client may not run it, or no longer.
        case notAllowed
        /// The wrong number of arguments, or one that does not match its pattern.
        case badArgument
        /// A limit of the server's is reached; later may do.
        case busy
        /// The command and its arguments are too long.
        case tooLarge
        /// The client broke the protocol.
        case malformed
        /// The server is ending and starts nothing more.
        case shuttingDown
        /// The server can't start or record the program now, or can't check the client's certificate.
        case unavailable
        /// It was waiting for its turn when it was cancelled.
        case cancelled
    }

    /// What to branch on.
    public let code: Code
    /// One sentence for people, without a full stop, safe to print.
    public let sentence: String

    init(_ refusal: Remote.Refusal) {
        code = Code(rawValue: refusal.code.word) ?? .unavailable
        sentence = escaped(refusal.sentence, limit: 1_000)
    }
}

/// A command's outcome and the output that was collected.
public struct CommandResult: Hashable, Sendable {
    /// How it ended, or why it was not started.
    public let outcome: Outcome
    /// Its standard output.
    public let output: [UInt8]
    /// Its standard error.
    public let errorOutput: [UInt8]

    /// A result, for tests of code that takes one.
    public init(_ outcome: Outcome, output: [UInt8] = [], errorOutput: [UInt8] = []) {
        self.outcome = outcome
        self.output = output
        self.errorOutput = errorOutput
    }
}
