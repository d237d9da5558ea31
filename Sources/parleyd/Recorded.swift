// What parleyd passes to the records: plain values that know no protocol.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Commands
internal import Console
internal import Records
internal import Remote
internal import System
internal import TLS

extension RecordedSession.Peer {
    init(_ peer: PeerIdentity) {
        let names = Identity(peer)
        self.init(
            identity: names.description, names: names.names, key: names.key, serial: peer.serial)
    }
}

extension Refusal.Limit {
    /// What sets the limit: a key of the command table, or an option. docs/audit.md lists them.
    var word: String {
        switch self {
        case .concurrency: "concurrency"
        case .perIdentity: "perIdentity"
        case .identityPrograms: "--max-identity-programs"
        case .identityStarts: "--max-identity-starts"
        case .sessions: "--max-sessions"
        case .identityMatching: "--max-identity-matching"
        case .identitySessions: "--max-identity-sessions"
        case .reservedSessions: "--reserved-sessions"
        }
    }
}

/// A command's arguments. If it isn't known which ones are secret, all of them are.
func recorded(_ arguments: [String], of program: ProgramEntry?) -> [RecordedArgument] {
    guard let program, arguments.count == program.arguments.count else {
        return arguments.map { RecordedArgument($0, isSecret: true) }
    }
    return zip(arguments, program.arguments).map {
        RecordedArgument($0, isSecret: $1.isSecret)
    }
}

extension CommandEnd {
    init(_ outcome: Outcome, _ usage: Broker.Usage) {
        self.init(
            CommandOutcome(outcome, isLeftRunning: usage.isLeftRunning), pid: usage.pid,
            leftEnded: usage.leftEnded,
            limits: Controller.allCases.filter(usage.reached.contains).map(\.limit),
            usage: CommandEnd.Usage(
                bytesIn: usage.traffic?.bytesIn, bytesOut: usage.traffic?.bytesOut,
                bytesError: usage.traffic?.bytesError, duration: usage.duration))
    }
}

extension CommandOutcome {
    /// If part of it is still running, that is what counts, along with what the client was told
    /// before that was known.
    init(_ outcome: Outcome, isLeftRunning: Bool) {
        switch outcome {
        case .ended(let end): self = isLeftRunning ? .leftRunning(end) : .ended(end)
        case .timedOut: self = isLeftRunning ? .leftRunning(nil) : .timedOut
        case .overOutput: self = isLeftRunning ? .leftRunning(nil) : .overOutput
        case .leftRunning: self = .leftRunning(nil)
        case .refused(let refusal): self = .refused(Cause(refusal.code.word, refusal.sentence))
        }
    }
}

extension Record {
    init(_ strangers: StrangersPost) {
        self = .handshakeFailure(
            code: strangers.code, reason: strangers.reason,
            RecordedStrangers(
                count: strangers.count > 1 ? Int(strangers.count) : nil,
                addresses: strangers.addresses > 1 ? Int(strangers.addresses) : nil,
                reasons: strangers.reasons.map { .init($0.code, Int($0.count)) },
                span: strangers.seconds > 0 ? .seconds(Int(strangers.seconds)) : nil))
    }
}

extension Recorder {
    /// Records a message that was answered, or that is not a command.
    func noteMessage(_ message: [UInt8], isKnown: Bool) {
        let name = String(repairing: message.span)
        record(
            isKnown
                ? .reply(RecordedReply(name: name))
                : .refusal(
                    RecordedRefusal(name: name, code: Refusal.Code.unknownCommand.word)))
    }
}

extension Log {
    /// Logs what has happened to the audit trail in one of its places.
    func write(_ news: AuditNews, of place: AuditPlace) {
        let isJournal = if case .journal = place { true } else { false }
        switch news {
        case .loses(let fault):
            write(
                isJournal
                    ? "an audit record is not in the journal: \(fault.told); no program starts until one can be sent, so look at systemd-journald"
                    : "an audit record was lost: \(fault.told); no program starts until one can be written, so make room where --audit writes"
            )
        case .doubts(let fault):
            write(
                "audit records were written but may not have reached the disk: \(fault.told); no program starts until they have"
            )
        case .keeps(let fault):
            write(
                "the audit trail cannot be \(isJournal ? "sent to the journal" : "written"): \(fault.told); records that must not be lost are kept until it can, and no program starts before then"
            )
        case .hasWritten(let kept):
            write(
                "\(isJournal ? "the journal" : "the audit trail") now has the \(kept == 1 ? "record" : "\(kept) records") that could not be written before"
            )
        case .waits:
            write(
                "\(isJournal ? "the journal accepts no records at the moment" : "nobody is reading the audit trail"): programs start only once their records have been taken, and other records are left out and counted while too many are waiting"
            )
        case .goesOn:
            write(
                isJournal
                    ? "the journal accepts records again" : "the audit trail is being read again")
        case .isShort(let floor, let free):
            write(
                "\(inMiB(free)) are free where --audit writes, and \(inMiB(floor)) are reserved for starts and ends of programs: other records are left out and counted until more is free"
            )
        case .hasRoom: write("there is room for all audit records again")
        }
    }

    private func inMiB(_ bytes: UInt64) -> String { "\(bytes >> 20) MiB" }
}
