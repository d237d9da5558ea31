// How a remote command ended.
// SPDX-License-Identifier: Apache-2.0
internal import Sockets
public import System

/// The answer to a run.
public enum Outcome: Hashable, Sendable {
    /// It ended by itself.
    case ended(ProgramEnd)
    /// The server ended it because its time limit was exceeded.
    case timedOut
    /// The server ended it because its output limit was exceeded.
    case overOutput
    /// The server tried to end it but could not: it had taken on another user's rights, or its exec
    /// hangs. It is still running.
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

    /// Reads the payload of a refusal. An unknown code, of a newer server, is just another way to
    /// be refused.
    static func refusal(_ payload: Span<UInt8>) -> Outcome {
        let sentence = String(repairing: payload.extracting(droppingFirst: 1))
        return .refused(Refusal(Refusal.Code(rawValue: payload[0]) ?? .unavailable, sentence))
    }
}
