// One remote session's place at the server: who it is, what it may do, and its records.
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
internal import TLS

/// Decides and records for one session. Confined to its loop.
final class CommandDesk: RemoteHost {
    let identity: Identity
    private let standing: Standing
    private let stream: TLSStream
    private let office: Office
    /// Nil where no records are kept.
    private let trail: Recorder?
    private var commands = 0
    /// Replies of the same name in a row, which are one record.
    private var repliedName: [UInt8] = []
    private var repliedCount = 0

    init(_ stream: TLSStream, _ standing: Standing, office: Office, trail: Recorder?) {
        self.stream = stream
        self.standing = standing
        self.office = office
        self.trail = trail
        identity = Identity(standing.peer)
    }

    var table: CommandTable { office.policy.table }
    var replies: FixedReplies { office.replies }
    var grace: Double { office.commons.options.grace }

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
        guard !office.commons.descriptors.areForFilesOnly else {
            return .failure(
                Refusal(
                    .unavailable,
                    "\(entry.name) cannot be started while the server has no free descriptor; try again later"
                ))
        }
        switch office.commons.slots.take(entry.name, identity, program) {
        case .failure(let refusal): return .failure(refusal)
        case .success(let place):
            let admitted = AdmittedProgram(
                entry, arguments, number: commands + 1, place: place, trail: trail,
                office: office)
            guard admitted.recordStart() else {
                return .failure(
                    Refusal(
                        .unavailable,
                        "the start of \(entry.name) cannot be recorded, so it was not started; tell the server's administrator"
                    ))
            }
            commands += 1
            office.starts(admitted)
            return .success(Permit(admitted, environment: environment(for: entry)))
        }
    }

    private func environment(for entry: CommandEntry) -> [String: String] {
        office.commons.account.environment.merging([
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "PARLEY_COMMAND": entry.name,
            "PARLEY_PEER": "\(identity)",
            "PARLEY_ADDRESS": stream.channel.peer?.description ?? "",
        ]) { $1 }
    }

    // MARK: Records of the rest

    func refused(
        _ name: String, _ arguments: [String], _ entry: CommandEntry?, _ refusal: Refusal
    ) {
        commands += 1
        guard let trail else { return }
        trail.writeOften("refusal") {
            describe(name, arguments, entry, refusal, &$0)
        }
    }

    private func describe(
        _ name: String, _ arguments: [String], _ entry: CommandEntry?, _ refusal: Refusal,
        _ record: inout JSONLine
    ) {
        record.add("command", commands)
        // It may be anything, and as long as a run may be.
        record.add("name", String(decoding: name.utf8.prefix(Self.longestName), as: UTF8.self))
        var secret: (Int) -> Bool = { _ in true }
        if case .program(let program)? = entry?.action,
            arguments.count == program.arguments.count
        {
            secret = { program.arguments[$0].isSecret }
        }
        // Where it isn't known which ones are secret, all are.
        record.add("arguments", arguments, secret: secret)
        record.add("code", String(describing: refusal.code))
        record.add("reason", refusal.sentence)
    }

    func replied(_ name: Span<UInt8>) {
        commands += 1
        guard trail != nil else { return }
        if repliedCount > 0, !isRepeated(name) { writeReplies() }
        if repliedCount == 0 {
            repliedName = unsafe name.withUnsafeBufferPointer { unsafe Array($0) }
        }
        repliedCount += 1
    }

    func wroteReplies() {
        if repliedCount > 0 { writeReplies() }
    }

    private func isRepeated(_ name: Span<UInt8>) -> Bool {
        guard name.count == repliedName.count else { return false }
        for index in name.indices where name[index] != repliedName[index] { return false }
        return true
    }

    private func writeReplies() {
        defer { repliedCount = 0 }
        guard let trail else { return }
        trail.writeOften("reply") { record in
            record.add("command", commands)
            record.add("name", String(decoding: repliedName, as: UTF8.self))
            record.add("times", repliedCount)
        }
    }

    private static let longestName = 255
}
