// The options of `run`.
// SPDX-License-Identifier: Apache-2.0
internal import Records

/// The options of `run`, in addition to those of every protocol.
struct RunOptions {
    /// The server as the user wrote it.
    let host: String
    /// The command and its arguments; nil for an interactive session or a batch.
    let command: [String]?
    let isBatch: Bool
    let isJSON: Bool
    /// Where each outcome is also written as an object; nil for nowhere.
    let statusDescriptor: Int32?

    /// Whether objects are written.
    var tellsObjects: Bool { isJSON || statusDescriptor != nil }

    /// Whether a person types commands.
    var isConversational: Bool { command == nil && !isBatch }
}

extension RunOptions {
    /// A sentence with its host, since a script may ask many hosts. A person at a prompt knows it.
    func named(_ sentence: String) -> String {
        let hasPlace = ["cannot connect to ", "cannot find an address for "].contains {
            sentence.utf8.starts(with: $0.utf8)
        }
        return isConversational || host.isEmpty || hasPlace ? sentence : "\(host): \(sentence)"
    }

    /// What `--json` prints if there is no outcome.
    func failure(code: String, _ sentence: String, status: Int32) -> JSONLine {
        var line = JSONLine()
        if !host.isEmpty { line.add("host", host) }
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
