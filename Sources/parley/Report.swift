// What parley reports about the end of a remote command.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Records
internal import Remote
internal import Sockets
internal import System

/// Reports outcomes, in sentences or as JSON. Confined to its loop.
final class Report {
    private let options: RunOptions
    private let log: Log
    /// The descriptor of `--status-fd`.
    private let outcomes: Output?
    private var commands = 0
    /// Whether the last command's end, or why it has none, was reported.
    private(set) var hasTold = false

    init(_ options: RunOptions, _ log: Log, outcomes: Output?) {
        self.options = options
        self.log = log
        self.outcomes = outcomes
    }

    /// Reports how a command ended.
    func tell(
        _ outcome: Outcome, of command: [String], _ console: RemoteTerminal, status: Int32,
        bytesIn: Int, duration: Duration
    ) {
        commands += 1
        hasTold = true
        if options.tellsObjects {
            var line = JSONLine()
            line.add("host", options.server.name)
            line.add("command", command[0])
            line.add("arguments", Array(command.dropFirst()))
            line.add(CommandOutcome(outcome).fields(sentence: "message"))
            line.add("exit", status)
            line.add("bytes_in", bytesIn)
            line.add("bytes_out", console.bytesOut)
            line.add("bytes_err", console.bytesError)
            line.add("seconds", seconds: duration)
            tell(line)
        }
        if !options.isJSON, let sentence = sentence(outcome, command[0]) {
            endLine()
            log.writeFailure(sentence)
        }
    }

    /// Ends a line that the command's error output left open, so that ours begins at its start.
    private func endLine() {
        guard !log.output.isAtLineStart else { return }
        let end: [UInt8] = [UInt8(ascii: "\n")]
        log.output.write(end.span)
    }

    /// Reports that there is no outcome.
    ///
    /// - Parameter isSaid: also as a sentence, unless objects were asked for instead.
    func tell(code: String, _ sentence: String, status: Int32, isSaid: Bool = true) {
        hasTold = true
        tell(options.failure(code: code, sentence, status: status))
        guard !options.isJSON, isSaid else { return }
        endLine()
        log.writeFailure(options.server.named(sentence))
    }

    private func tell(_ object: JSONLine) {
        outcomes?.write(object.line)
        guard options.isJSON else { return }
        endLine()
        log.output.write(object.line)
    }

    /// Waits until everything is written, or there is no reader any more.
    func flushed() async { await outcomes?.flushed() }

    /// Writes as much as possible without waiting.
    func flush() { outcomes?.flush() }

    /// Nil if the program's status says everything.
    private func sentence(_ outcome: Outcome, _ name: String) -> String? {
        let subject = options.server.named(options.isBatch ? "[\(commands)] \(name)" : name)
        switch outcome {
        case .ended(.status(let number)):
            return options.isBatch || (options.command == nil && number != 0)
                ? "\(subject): exit status \(number)" : nil
        case .leftRunning:
            return
                "\(subject): the server could not stop it and left it running; its outcome is unknown"
        case .ended(.signal(let number)):
            return options.command == nil ? "\(subject): ended by signal \(number)" : nil
        case .timedOut:
            return "\(subject): stopped by the server: time limit exceeded"
        case .overOutput:
            return "\(subject): stopped by the server: output limit exceeded"
        case .refused(let refusal):
            return "\(subject): refused: \(refusal.sentence)"
        }
    }
}

extension CommandOutcome {
    fileprivate init(_ outcome: Outcome) {
        switch outcome {
        case .ended(let end): self = .ended(end)
        case .timedOut: self = .timedOut
        case .overOutput: self = .overOutput
        case .leftRunning: self = .leftRunning(nil)
        case .refused(let refusal): self = .refused(Cause(refusal.code.word, refusal.sentence))
        }
    }
}
