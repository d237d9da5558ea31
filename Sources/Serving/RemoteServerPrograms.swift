// What a remote session asks the broker for, one command at a time.
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

    /// Asks for a command, and serves its program where there is one. Not before its turn: a client that
    /// leaves its earlier answers unread could otherwise keep a permission that was taken from it
    /// meanwhile. Never inlined: a session that waits would hold the room that this takes.
    ///
    /// - Returns: whether the session goes on.
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
        case .program(let program): try await serve(program)
        }
        return true
    }

    private func serve(_ program: RemoteProgram) async throws(StreamError) {
        let ending = await RunningCommand(stream, incoming, program).run()
        switch ending.sequel {
        case .next:
            // All of it came before what was not read.
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
