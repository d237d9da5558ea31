// The options of `run`.
// SPDX-License-Identifier: Apache-2.0
internal import Records

/// The options of `run`, in addition to those of every protocol.
struct RunOptions {
    let server: NamedServer
    /// The command and its arguments; nil for an interactive session or a batch.
    let command: [String]?
    let isBatch: Bool
    let isJSON: Bool
    /// Whether the command gets standard input, or none.
    var givesInput = true
    /// How long all of it may take; nil without a limit.
    var timeout: Duration?
    /// Whether a transfer's progress is shown where standard error is a terminal.
    var showsProgress = false
    /// Where each outcome is also written as an object; nil for nowhere.
    let statusDescriptor: Int32?

    /// Whether objects are written.
    var tellsObjects: Bool { isJSON || statusDescriptor != nil }

    /// Whether a person types commands.
    var isConversational: Bool { command == nil && !isBatch }
}

extension RunOptions {
    /// What `--json` prints if there is no outcome.
    func failure(code: String, _ sentence: String, status: Int32) -> JSONLine {
        var line = JSONLine()
        if !server.name.isEmpty { line.add("host", server.name) }
        if let command {
            line.add("command", command[0])
            line.add("arguments", Array(command.dropFirst()))
        }
        let cause = CommandOutcome.Cause(code, sentence)
        let outcome: CommandOutcome =
            switch status {
            case ExitStatus.cutShort: .cutShort(cause)
            case ExitStatus.refused: .refused(cause)
            case ExitStatus.notTrusted: .notTrusted(cause)
            case 128..<ExitStatus.limit: .interrupted(cause)
            default: .failed(cause)
            }
        line.add(outcome.fields(sentence: "message"))
        line.add("exit", status)
        return line
    }
}
