// One session's place at the broker: who it is, and what it may do.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Commands
internal import Console
internal import Conversations
internal import Programs
internal import Records
internal import Remote
internal import System
internal import TLS

/// Makes decisions and records for one session. Confined to the broker's loop.
final class Desk: SessionDesk {
    private let office: Office
    /// Nil if the client has not proved who it is.
    private let standing: Standing?
    /// Whether its client has proved that it asked for commands.
    private let runsCommands: Bool
    private var address = ""
    /// That of the load balancer that forwards the connection.
    private var balancer: String?
    /// Nil if no records are kept, and until the client is known.
    private var trail: Recorder?
    let identity: Identity?
    let turnedAway: Refusal?

    init(
        _ standing: Standing?, runsCommands: Bool = false, turnedAway: Refusal? = nil,
        office: Office
    ) {
        self.standing = standing
        self.turnedAway = turnedAway
        self.runsCommands = runsCommands
        self.office = office
        // A client that connected for another protocol didn't ask for what is asked for in its
        // name.
        identity = runsCommands ? (standing?.peer).map { Identity($0) } : nil
    }

    var table: CommandTable { office.policy.table }
    var grace: Duration { office.options.grace }
    var groups: CommandGroups? { office.options.groups }

    var whoami: String {
        guard let identity, let peer = standing?.peer else { return "" }
        return """
            \(identity)
            names: \(identity.names.isEmpty ? "none" : identity.names.joined(separator: " "))
            \(identity.key)
            serial: \(peer.serial)
            until: \(peer.notAfter)

            """
    }

    var objection: Refusal? {
        if office.isEnding { return .shuttingDown }
        return standing?.objection
    }

    // MARK: Programs

    var matchingWork: MatchingWork {
        identity.map { office.matchingWork(of: $0) } ?? MatchingWork(atMost: 0)
    }

    func matched(_ steps: Int) {
        if let identity { office.matched(steps, for: identity) }
    }

    func refusalDelay() -> Duration {
        identity.map { office.refusalDelay(of: $0) } ?? .zero
    }

    func admit(
        _ entry: CommandEntry, _ program: ProgramEntry, _ arguments: [String]
    ) -> Result<Permit, Refusal> {
        guard let standing, let identity else { return .failure(.nobody) }
        if let refusal = standing.verifiedObjection() { return .failure(refusal) }
        // Its pipes would use the descriptors that are held back for a revocation.
        guard DescriptorReserve.shared.leaves(Program.descriptors) else {
            return .failure(
                Refusal(
                    .unavailable,
                    "\(entry.name) cannot be started while the server has no free descriptor; try again later"
                ))
        }
        switch office.place(entry.name, identity, program) {
        case .failure(let refusal): return .failure(refusal)
        case .success(let place):
            let admitted = AdmittedProgram(place: place, trail: trail, office: office)
            guard
                admitted.recordStart(
                    entry.name, recorded(arguments, of: program), program: program.path)
            else { return .failure(.unrecorded(entry.name)) }
            office.starts(admitted)
            return .success(
                Permit(admitted, environment: environment(for: entry, program, identity)))
        }
    }

    private func environment(
        for entry: CommandEntry, _ program: ProgramEntry, _ identity: Identity
    ) -> [String: String] {
        var variables = [
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "PARLEY_COMMAND": entry.name,
            "PARLEY_PEER": "\(identity)",
            "PARLEY_ADDRESS": address,
        ]
        variables["PARLEY_BALANCER"] = balancer
        return program.user.account.environment.merging(variables) { $1 }
    }

    // MARK: Records

    func began(_ post: BeganPost) {
        takeUpTrail(post.number, post.address, post.balancer)
        trail?.record(.sessionStart(conversation: conversation(post.conversation)))
    }

    /// A proof takes precedence over what the session reports.
    private func conversation(_ told: String) -> String {
        if runsCommands { return remoteProtocol }
        guard standing != nil, told == remoteProtocol else { return told }
        return office.options.conversation.rawValue
    }

    func failed(_ post: HandshakeFailedPost) {
        takeUpTrail(post.number, post.address, post.balancer)
        if let turnedAway { return refused(turnedAway) }
        trail?.record(.handshakeFailure(code: post.code, reason: post.reason))
    }

    private func takeUpTrail(_ number: Int64, _ address: String, _ balancer: String?) {
        (self.address, self.balancer) = (address, balancer)
        trail = office.trail(
            number: Int(number), of: address, via: balancer, peer: standing?.peer)
    }

    func refused(
        _ name: String, _ arguments: [String], _ entry: CommandEntry?, _ refusal: Refusal
    ) {
        let program: ProgramEntry? =
            if case .program(let program)? = entry?.action { program } else { nil }
        trail?.refuse(
            name, recorded(arguments, of: program), code: refusal.code.word,
            limit: refusal.limit?.word, reason: refusal.sentence)
    }

    func refused(_ refusal: Refusal) {
        trail?.record(
            .refusal(
                RecordedRefusal(
                    code: refusal.code.word, limit: refusal.limit?.word, reason: refusal.sentence)))
    }

    func replied(_ name: [UInt8], times: Int) { trail?.reply(name, times: times) }

    func omitted(_ records: Int, commands: Int) { trail?.omit(records, commands: commands) }

    func answered(_ message: [UInt8], isKnown: Bool) {
        trail?.noteMessage(message, isKnown: isKnown)
    }

    func ended(_ post: EndedPost) {
        trail?.record(
            .sessionEnd(
                reason: post.reason, bytesIn: post.bytesIn,
                bytesOut: post.bytesOut,
                duration: .nanoseconds(Int64(clamping: post.nanoseconds)),
                hasFailed: post.hasFailed))
    }
}

extension Refusal {
    static let shuttingDown = Refusal(
        .shuttingDown, "the server is shutting down and starts no more commands; try again later")
    /// Cannot be reached: without an identity there is no command.
    fileprivate static let nobody = Refusal(
        .notAllowed, "the server does not know who you are; connect with a certificate")
}
