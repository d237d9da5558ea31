// Why there is no outcome.
// SPDX-License-Identifier: Apache-2.0
internal import Remote
internal import Sockets
internal import System
internal import TLS

/// Why a session or a command has no outcome from the server. Each has one sentence, which names the server, says what
/// is wrong and what to do, and has no full stop.
public enum ParleyError: Error, Sendable {
    /// There is no connection, or the server does not speak `parley/1`.
    case connectionFailed(String)
    /// A certificate, a key or a list cannot be used.
    case badCredentials(String)
    /// One end did not accept the other's certificate.
    case notTrusted(String)
    /// The connection ended, or the server was silent, before the outcome was known. Never a success.
    case cutShort(String)
    /// The client's `timeout` was over, so the command was cancelled; the result has how it ended.
    case commandTimedOut(String, CommandResult)
    /// The server refused or ended the session.
    case sessionRefused(String)
    /// The server broke the protocol.
    case protocolViolated(String)
    /// There was more to collect than `maxOutput`; the command was ended, with its session.
    case tooMuchOutput(String)
    /// The input sequence threw this error; the command was ended, with its session.
    case inputFailed(String, any Error)
    /// A host, a name or a command that nothing can have; nothing was sent.
    case invalid(String)
    /// Another command is running in the session.
    case busy(String)
    /// The session was closed by this end.
    case closed(String)
    /// The task was cancelled; the command was ended, with its session.
    case cancelled(String)

    /// The sentence, without a full stop.
    public var sentence: String {
        switch self {
        case .connectionFailed(let sentence), .badCredentials(let sentence),
            .notTrusted(let sentence), .cutShort(let sentence), .commandTimedOut(let sentence, _),
            .sessionRefused(let sentence), .protocolViolated(let sentence),
            .tooMuchOutput(let sentence), .inputFailed(let sentence, _), .invalid(let sentence),
            .busy(let sentence), .closed(let sentence), .cancelled(let sentence):
            sentence
        }
    }
}

extension ParleyError: CustomStringConvertible {
    /// The sentence, without a full stop.
    public var description: String { sentence }
}

extension ParleyError {
    init(_ error: CredentialError, at place: String) {
        let remedy = error.remedy.map { "; \(advice(for: $0))" } ?? ""
        self = .badCredentials("\(place): \(error.placedSentence)\(remedy)")
    }

    /// Nothing was asked yet, so that nothing is unknown.
    init(_ error: StreamError, opening place: String) {
        let whole = ParleyError(error, at: place)
        self =
            if case .cutShort(let sentence) = whole { .connectionFailed(sentence) } else { whole }
    }

    init(_ error: StreamError, at place: String) {
        let remedy = error.remedy.map { "; \(advice(for: $0))" } ?? ""
        let named =
            StreamError.namesEndpoint(error.sentence)
            ? error.sentence : "\(place): \(error.sentence)"
        let sentence = named + remedy
        self =
            switch error.code {
            case let code where code.concernsTrust: .notTrusted(sentence)
            case .commandRefused: .sessionRefused(sentence)
            case .malformed: .protocolViolated(sentence)
            case .truncated, .endedEarly, .reset, .idleTimedOut: .cutShort(sentence)
            case .cancelled: .cancelled(sentence)
            default: .connectionFailed(sentence)
            }
    }
}
