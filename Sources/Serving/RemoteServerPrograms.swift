// The programs of a remote session, one at a time.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Programs
internal import Remote
internal import Sockets

extension RemoteServer {
    /// A program whose turn has come.
    struct Approved {
        let entry: CommandEntry
        let program: ProgramEntry
        let arguments: [String]
        let invocation: ProgramEntry.Invocation
        /// The one in force when it was approved.
        let table: CommandTable
    }

    /// Runs a program, now that all earlier answers are on their way. A client that did not read them
    /// could otherwise keep a permission that was taken from it meanwhile. Never inlined: a session that
    /// waits would hold the room that this takes.
    @inline(never)
    func run(_ approved: Approved) async throws(StreamError) {
        let entry = approved.entry
        guard approved.table === host.table else {
            // It may be anything in the new table, so it is read again as if it came only now.
            answered -= 1
            let request = Request(name: entry.name, arguments: approved.arguments)
            stream.readAhead = request.frames + (stream.readAhead ?? [])
            return
        }
        switch admit(approved) {
        case .failure(let refusal):
            host.refused(entry.name, approved.arguments, entry, refusal)
            try await stream.write(refusal.frame)
        case .success(let permit):
            try await run(approved, permit)
        }
    }

    private func admit(_ approved: Approved) -> Result<Permit, Refusal> {
        if let objection = host.objection { return .failure(objection) }
        return host.admit(approved.entry, approved.program, approved.arguments)
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
            isBackground: approved.program.isBackground)
        let program: PermittedProgram
        do throws(StreamError) {
            program = try PermittedProgram(start, permit, loop: stream.channel.loop)
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
                let refusal = Refusal(.malformed, failure.description)
                host.refused("", [], nil, refusal)
                if !ending.isCut { try? await stream.write(refusal.frame) }
            }
            throw failure
        }
    }
}
