// The programs of a remote session, one at a time.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Programs
internal import Remote
internal import Sockets
internal import System

extension RemoteServer {
    /// Runs a program whose turn has come, now that all earlier answers are on their way. It is asked for
    /// again; where it may not start any more, its client is told what holds now. Never inlined: a
    /// session that waits would hold the room that this takes.
    ///
    /// - Returns: whether the session goes on.
    @inline(never)
    func run(_ approved: Approved) async throws(StreamError) -> Bool {
        let request = approved.request
        // It has this turn to itself.
        var cost = 0
        let answer: Answer
        switch host.decide(request, host.objection, after: approved, cost: &cost) {
        case .program(let approved):
            switch host.admit(approved.entry, approved.program, request.arguments) {
            case .success(let permit):
                try await run(approved, permit)
                return true
            case .failure(let refusal): answer = .refusal(refusal, approved.entry)
            }
        case .answer(let decided): answer = decided
        }
        let frames = say(answer, to: request)
        host.wroteReplies()
        try await stream.write(frames)
        return !answer.closes
    }

    private func run(
        _ approved: Approved, _ permit: consuming Permit
    ) async throws(StreamError) {
        let name = approved.entry.name
        let start = ProgramStart(
            path: approved.program.path, arguments: approved.invocation.arguments,
            environment: permit.environment.merging(approved.invocation.environment) { $1 },
            directory: approved.program.directory, umask: approved.program.umask,
            takesInput: approved.program.takesInput,
            grace: approved.program.grace ?? host.grace,
            isBackground: approved.program.isBackground,
            rights: ProgramRights(
                user: approved.program.user.numbers, mayGain: approved.program.isPrivileged))
        let program: PermittedProgram
        do throws(StreamError) {
            program = try PermittedProgram(start, permit, loop: channel.loop)
        } catch {
            return try await stream.write(Refusal.cannotStart(name).frame)
        }
        let command = RunningCommand(
            stream, incoming, program, name: name, limits: approved.program)
        let ending = await command.run()
        program.seeOff(ending.outcome, ending.usage)
        switch ending.sequel {
        case .next:
            // All of it came before what was not read.
            let ahead = incoming.takeAhead()
            if !ahead.isEmpty { stream.readAhead = ahead + (stream.readAhead ?? []) }
        case .clientLeft:
            throw StreamError(.endedEarly, "the client left while \(name) ran")
        case .failure(let failure):
            if failure.code == .malformed {
                let refusal = Refusal(.malformed, failure.sentence)
                host.refused("", [], nil, refusal)
                if !ending.isCut { try? await stream.write(refusal.frame) }
            }
            throw failure
        }
    }
}
