// How a command ended, in the words shared by the audit trail, `--json` and `--status-fd`.
// SPDX-License-Identifier: Apache-2.0
package import System

/// How a command ended, or why there is no answer to it.
package enum CommandOutcome: Hashable, Sendable {
    case ended(ProgramEnd)
    /// The server stopped it at its time limit.
    case timedOut
    /// The server stopped it at its output limit.
    case overOutput
    /// Part of it could not be ended and is still running; with how the program itself ended, if it did.
    case leftRunning(ProgramEnd?)
    /// It was not started.
    case refused(Cause)
    /// The server was stopped at once, and killed it.
    case serverEnded
    /// The client's connection ended before the complete answer had arrived.
    case cutShort(Cause)
    /// One of the two ends did not accept the other's certificate.
    case notTrusted(Cause)
    /// The client was told to stop before the answer came.
    case interrupted(Cause)
    /// Any other reason why the client has no answer.
    case failed(Cause)

    /// Why there is no ended program.
    package struct Cause: Hashable, Sendable {
        /// For programs.
        package let code: String
        /// For people, without a full stop.
        package let sentence: String

        package init(_ code: String, _ sentence: String) {
            self.code = code
            self.sentence = sentence
        }
    }

    /// The words of `outcome`; `docs/audit.md` lists them.
    package enum Word: String, CaseIterable, Sendable {
        case exit
        case signal
        case timeOut = "time-out"
        case outputLimit = "output-limit"
        case leftRunning = "left-running"
        case refused
        case serverEnded = "server-ended"
        case cutShort = "cut-short"
        case notTrusted = "not-trusted"
        case interrupted
        case failed
    }

    /// The word for `outcome`.
    package var word: Word {
        switch self {
        case .ended(.status): .exit
        case .ended(.signal): .signal
        case .timedOut: .timeOut
        case .overOutput: .outputLimit
        case .leftRunning: .leftRunning
        case .refused: .refused
        case .serverEnded: .serverEnded
        case .cutShort: .cutShort
        case .notTrusted: .notTrusted
        case .interrupted: .interrupted
        case .failed: .failed
        }
    }

    /// Its fields.
    ///
    /// - Parameter sentence: the field for the cause's sentence. The client's objects call theirs
    ///   `message`: it is what the client was told, while the trail's `reason` may name the server's
    ///   files.
    package func fields(sentence: StaticString = "reason") -> [Field] {
        let (status, signal): (UInt8?, UInt8?) =
            switch end {
            case .status(let number): (number, nil)
            case .signal(let number): (nil, number)
            case nil: (nil, nil)
            }
        return [
            Field("outcome", word.rawValue), Field("status", status), Field("signal", signal),
            Field("code", cause?.code), Field(sentence, cause?.sentence),
        ]
    }

    private var end: ProgramEnd? {
        switch self {
        case .ended(let end), .leftRunning(let end?): end
        default: nil
        }
    }

    private var cause: Cause? {
        switch self {
        case .refused(let cause), .cutShort(let cause), .notTrusted(let cause),
            .interrupted(let cause), .failed(let cause):
            cause
        default: nil
        }
    }
}
