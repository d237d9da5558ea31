// One remote session's place at the server: who it is, and what it may do.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Console
internal import Conversations
internal import Glibc
internal import Programs
internal import Records
internal import Remote
internal import Serving
internal import Sockets
internal import System
internal import TLS

/// Decides for one session. Confined to its loop.
final class CommandDesk: RemoteHost {
    let identity: Identity
    private let standing: Standing
    private let stream: TLSStream
    private let office: Office
    /// Nil where no records are kept.
    private let trail: Recorder?

    init(_ stream: TLSStream, _ standing: Standing, office: Office, trail: Recorder?) {
        self.stream = stream
        self.standing = standing
        self.office = office
        self.trail = trail
        identity = Identity(standing.peer)
    }

    var table: CommandTable { office.policy.table }
    var replies: FixedReplies { office.replies }
    var grace: Duration { office.commons.options.grace }

    var whoami: String {
        """
        \(identity)
        names: \(identity.names.isEmpty ? "none" : identity.names.joined(separator: " "))
        \(identity.key)
        serial: \(standing.peer.serial)
        until: \(standing.peer.notAfter)

        """
    }

    var objection: Refusal? {
        if office.commons.census.isEnding {
            return Refusal(
                .shuttingDown,
                "the server is shutting down and starts nothing more; try again later")
        }
        return standing.objection
    }

    // MARK: Programs

    func admit(
        _ entry: CommandEntry, _ program: ProgramEntry, _ arguments: [String]
    ) -> Result<Permit, Refusal> {
        if let refusal = standing.verifiedObjection() { return .failure(refusal) }
        // Its pipes would be made of what was held back for a revocation.
        guard DescriptorReserve.shared.leaves(Program.descriptors) else {
            return .failure(
                Refusal(
                    .unavailable,
                    "\(entry.name) cannot be started while the server has no free descriptor; try again later"
                ))
        }
        switch office.commons.slots.take(entry.name, identity, program) {
        case .failure(let refusal): return .failure(refusal)
        case .success(let place):
            let command: RecordedCommand?
            if let trail {
                command = trail.start(
                    entry.name, recorded(arguments, of: program), program: program.path)
                guard command != nil else {
                    return .failure(
                        Refusal(
                            .unavailable,
                            "the start of \(entry.name) cannot be recorded, so it was not started; tell the server's administrator"
                        ))
                }
            } else {
                command = nil
            }
            let admitted = AdmittedProgram(
                command, place: place, trail: trail, office: office)
            office.starts(admitted)
            return .success(Permit(admitted, environment: environment(for: entry, program)))
        }
    }

    private func environment(
        for entry: CommandEntry, _ program: ProgramEntry
    ) -> [String: String] {
        program.user.account.environment.merging([
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "PARLEY_COMMAND": entry.name,
            "PARLEY_PEER": "\(identity)",
            "PARLEY_ADDRESS": stream.channel.peer?.description ?? "",
        ]) { $1 }
    }

    // MARK: The rest

    func refused(
        _ name: String, _ arguments: [String], _ entry: CommandEntry?, _ refusal: Refusal
    ) {
        let program: ProgramEntry? =
            if case .program(let program)? = entry?.action { program } else { nil }
        trail?.refuse(
            name, recorded(arguments, of: program), code: refusal.code.word,
            reason: refusal.sentence)
    }

    func replied(_ name: Span<UInt8>) { trail?.noteReply(name) }

    func wroteReplies() { trail?.writeReplies() }
}
