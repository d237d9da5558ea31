// How a remote command ended.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
public import System

/// The answer to a run.
public enum Outcome: Hashable, Sendable {
    /// It ended by itself.
    case ended(ProgramEnd)
    /// The server ended it, since its time was over.
    case timedOut
    /// The server ended it, since it wrote more than it may.
    case overOutput
    /// The server was to end it, and could not: it took on another user's rights, or its exec
    /// hangs, and runs on.
    case leftRunning
    /// It was not started.
    case refused(Refusal)

    /// Its frame: an exit or a refusal.
    package var frame: [UInt8] {
        let payload: [UInt8]
        switch self {
        case .ended(.status(let number)): payload = [0, number]
        case .ended(.signal(let number)): payload = [1, number]
        case .timedOut: payload = [2, 0]
        case .overOutput: payload = [3, 0]
        case .leftRunning: payload = [4, 0]
        case .refused(let refusal): return refusal.frame
        }
        var frame: [UInt8] = []
        frame.append(.exit, payload)
        return frame
    }

    /// Reads the payload of an exit.
    static func exit(_ payload: Span<UInt8>) throws(StreamError) -> Outcome {
        switch (payload[0], payload[1]) {
        case (0, let number): return .ended(.status(number))
        case (1, let number) where (1...64).contains(number): return .ended(.signal(number))
        case (2, 0): return .timedOut
        case (3, 0): return .overOutput
        case (4, 0): return .leftRunning
        case (let kind, let number):
            throw .malformed("an exit frame has the unknown outcome \(kind), \(number)")
        }
    }

    /// Reads the payload of a refusal. A code of a later server's is one more way to be refused.
    static func refusal(_ payload: Span<UInt8>) -> Outcome {
        let sentence = String(repairing: payload.extracting(droppingFirst: 1))
        return .refused(Refusal(Refusal.Code(rawValue: payload[0]) ?? .unavailable, sentence))
    }
}
