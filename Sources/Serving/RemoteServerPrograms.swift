// What a remote session asks of the broker, one command at a time.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Remote
internal import Sockets
internal import System

extension RemoteServer {
    /// A run whose turn comes when all earlier answers are on their way.
    struct Asked {
        let request: Request
        let wasCancelled: Bool
    }

    /// Asks for a command, and serves its program if there is one. Not before its turn: otherwise a
    /// client that leaves its earlier answers unread could keep a permission that was revoked meanwhile.
    /// Never inlined: a waiting session would hold the stack space that this takes.
    ///
    /// - Returns: whether the session continues.
    @inline(never)
    func run(_ asked: Asked) async throws(StreamError) -> Bool {
        isAsking = true
        let answer = await host.ask(asked.request, wasCancelled: asked.wasCancelled)
        isAsking = false
        switch answer {
        case .text(let text, let closes):
            var frames: [UInt8] = []
            frames.append(.output, cutting: Array(text.utf8))
            frames += Outcome.ended(.status(0)).frame
            let answer = host.answers.keep(frames)
            frames = []
            defer { withExtendedLifetime(answer) {} }
            try await stream.write(answer.frames)
            return !closes
        case .refusal(let refusal): try await stream.write(refusal.frame)
        case .finished(let finished): try await stream.write(finished.frames)
        case .program(let program): try await serve(program)
        }
        return true
    }

    private func serve(_ program: RemoteProgram) async throws(StreamError) {
        let ending = await RunningCommand(stream, incoming, program).run()
        switch ending.sequel {
        case .next:
            // All of it arrived before what has not been read.
            let ahead = incoming.takeAhead()
            if !ahead.isEmpty { stream.readAhead = ahead + (stream.readAhead ?? []) }
        case .clientLeft:
            throw StreamError(
                .endedEarly, "the client disconnected while \(program.name) was running")
        case .failure(let failure):
            if failure.code == .malformed {
                let refusal = Refusal(.malformed, failure.sentence)
                host.refused("", refusal)
                if !ending.isCut { try? await stream.write(refusal.frame) }
            }
            throw failure
        }
    }
}

extension FinishedPost {
    /// Its client's answer.
    fileprivate var frames: [UInt8] {
        var frames: [UInt8] = []
        frames.append(.errorOutput, cutting: errorOutput)
        frames.append(.output, cutting: output)
        return frames + outcome.frame
    }
}
