// What parley says of how a remote command ended.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Programs
internal import Sessions
internal import Sockets

extension Outcome {
    /// What parley ends with: the program's own status, or what Parley has to say.
    var exitStatus: Int32 {
        switch self {
        case .ended(.status(let number)): Int32(number)
        case .ended(.signal(let number)): 128 + Int32(number)
        case .timedOut, .overOutput: ExitStatus.limit
        case .refused: ExitStatus.refused
        }
    }
}

/// Tells outcomes, in sentences or as JSON. Confined to its loop.
final class Report {
    private let options: RunOptions
    private let log: Log
    private var commands = 0

    init(_ options: RunOptions, _ log: Log) {
        self.options = options
        self.log = log
    }

    /// Tells how a command ended.
    func tell(
        _ outcome: Outcome, of command: [String], _ console: RemoteTerminal, bytesIn: Int,
        nanoseconds: UInt64
    ) {
        commands += 1
        if options.isJSON {
            var line = JSONLine()
            line.add("command", command[0])
            line.add("arguments", Array(command.dropFirst()))
            outcome.describe(&line)
            line.add("exit", outcome.exitStatus)
            line.add("bytes_in", bytesIn)
            line.add("bytes_out", console.bytesOut)
            line.add("bytes_err", console.bytesError)
            line.add("seconds", nanoseconds: nanoseconds)
            console.endErrorLine()
            log.output.write(line.line)
        } else if let sentence = sentence(outcome, command[0]) {
            console.endErrorLine()
            log.write(sentence)
        }
    }

    /// Tells that there is no outcome.
    func tell(_ error: StreamError, status: Int32) {
        guard options.isJSON else { return log.write(error.description) }
        var line = JSONLine()
        if let command = options.command {
            line.add("command", command[0])
            line.add("arguments", Array(command.dropFirst()))
        }
        let outcome =
            switch status {
            case ExitStatus.cutShort: "cut-short"
            case ExitStatus.notTrusted: "not-trusted"
            default: "failed"
            }
        line.add("outcome", outcome)
        line.add("code", error.code.rawValue)
        line.add("message", error.description)
        line.add("exit", status)
        log.output.write(line.line)
    }

    /// Nil where the program's status says it all.
    private func sentence(_ outcome: Outcome, _ name: String) -> String? {
        let subject = options.isBatch ? "[\(commands)] \(name)" : name
        switch outcome {
        case .ended(.status(let number)):
            return options.isBatch || (options.command == nil && number != 0)
                ? "\(subject): exit status \(number)" : nil
        case .ended(.signal(let number)):
            return options.command == nil ? "\(subject): ended by signal \(number)" : nil
        case .timedOut:
            return "\(subject): the server ended it, since its time was over"
        case .overOutput:
            return "\(subject): the server ended it, since it wrote more than it may"
        case .refused(let refusal):
            return "\(subject): refused: \(refusal.sentence)"
        }
    }
}

extension Outcome {
    fileprivate func describe(_ line: inout JSONLine) {
        switch self {
        case .ended(.status(let number)):
            line.add("outcome", "exit")
            line.add("status", number)
        case .ended(.signal(let number)):
            line.add("outcome", "signal")
            line.add("signal", number)
        case .timedOut: line.add("outcome", "time-out")
        case .overOutput: line.add("outcome", "output-limit")
        case .refused(let refusal):
            line.add("outcome", "refused")
            line.add("code", String(describing: refusal.code))
            line.add("message", refusal.sentence)
        }
    }
}
