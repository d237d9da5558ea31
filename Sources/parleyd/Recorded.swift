// What parleyd tells the records: in plain values, which know no protocol.
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

/// A command's arguments. Where it isn't known which ones are secret, all are.
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
    /// Where something runs on, that is what counts, and beside it stands what the client was told
    /// before it was known.
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

extension Recorder {
    /// Records a message that was answered, or that is no command.
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
    /// Tells that the audit trail has a gap from here on, and why.
    func writeLoss(_ fault: AuditError) {
        write(
            "an audit record was lost: \(fault.told); until one can be written no program starts, so make room where --audit writes"
        )
    }
}
