// How a command ended, in the words that the audit trail, `--json` and `--status-fd` share.
// SPDX-License-Identifier: Apache-2.0
package import System

/// How a command ended, or why there is no answer to it.
package enum CommandOutcome: Hashable, Sendable {
    case ended(ProgramEnd)
    /// The server ended it, since its time was over.
    case timedOut
    /// The server ended it, since it wrote more than it may.
    case overOutput
    /// Something of it runs on that could not be ended; with how the program itself ended, where it did.
    case leftRunning(ProgramEnd?)
    /// It was not started.
    case refused(Cause)
    /// The server ended at once, and killed it.
    case serverEnded
    /// The client's connection ended before the answer was whole.
    case cutShort(Cause)
    /// One of the two ends did not accept the other's certificate.
    case notTrusted(Cause)
    /// The client was told to end before the answer came.
    case interrupted(Cause)
    /// Any other reason for which the client has no answer.
    case failed(Cause)

    /// Why there is no program that ended.
    package struct Cause: Hashable, Sendable {
        /// For programs.
        package let code: String
        /// For people, without its full stop.
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

    /// What `outcome` says.
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
    /// - Parameter sentence: the name of the cause's sentence. The client's objects call theirs `message`:
    ///   it is what the client was told, and the trail's `reason` may name the server's files.
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
