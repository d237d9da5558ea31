// `parleyd check`: whether a server could start, and what its table allows.
// SPDX-License-Identifier: Apache-2.0
internal import Commands
internal import Console
internal import Conversations
internal import Glibc
internal import Records
internal import Sockets
internal import System
internal import TLS

/// Reads what a server reads when it starts and reloads, with the same code, prints what it means,
/// and ends the process.
struct Check {
    private let options: ServerOptions
    private let asked: Identity?
    /// Whether only the table was named, as on the machine where it is written.
    private let isOfTableOnly: Bool

    /// - Parameter words: the command line after `check`; `--help` ends the process.
    /// - Throws: `UsageError`.
    init(_ words: [String]) throws {
        let arguments = try Arguments(
            words, flags: ServerOptions.flags, valued: ServerOptions.valued + ["as"])
        if arguments.has("help") { endAfterPrinting(Self.help, failure: 64) }
        var options = try ServerOptions(arguments, otherwise: .command)
        asked = try Self.identity(arguments.all("as"))
        isOfTableOnly =
            arguments.allOperands.isEmpty
            && !(SecurityOptions.server + ["plaintext", "audit"]).contains { arguments.has($0) }
        guard options.commands != nil || !isOfTableOnly else {
            throw UsageError(
                "check needs --commands FILE (the table to check) or the server's options")
        }
        if !isOfTableOnly { options.examineGroups() }
        self.options = options
    }

    /// - Throws: what a start would throw: `TableError`, `CredentialError`, `ConfigurationError`,
    ///   `AuditError`.
    func run() throws -> Never {
        let table: CommandTable
        if isOfTableOnly, let path = options.commands {
            table = try CommandTable(
                file: path, users: .possible(otherwise: options.programUser), groups: nil)
        } else {
            try options.security?.examineKeyLog()
            let policy = try Policy(options)
            table = policy.table
            for place in options.audit?.places ?? [] { try AuditFile.examine(place) }
            warn(of: policy.context)
            warnOfMetrics()
        }
        for warning in table.warnings { Log.write("parleyd", "warning: \(warning)") }
        if table.omittedWarnings > 0 {
            Log.write("parleyd", "warning: \(table.omittedWarnings) more warnings of this kind")
        }
        guard !options.isQuiet else { exit(0) }
        let printer = Printer(failure: 64)
        if options.commands != nil {
            let report = TableReport(table: table) { printer.print(printable($0)) }
            if let asked { report.tell(asked) } else { report.tellAll() }
            report.tellUsers(of: asked)
        }
        if table.hasPrograms {
            printer.print("")
            let support = options.groupSupport ?? .examine()
            for line in told(support) {
                printer.print("\(line.prefix(1).uppercased())\(line.dropFirst()).")
            }
        }
        if let audit = options.audit, !isOfTableOnly {
            printer.print("")
            for line in audit.sentences { printer.print(line) }
        }
        if !isOfTableOnly {
            printer.print("")
            for line in limits(table) { printer.print("Limit: \(line).") }
        }
        for line in unseen { printer.print(line) }
        printer.flush()
        exit(0)
    }

    /// The limits that keep clients from taking what others need, as sentences.
    private func limits(_ table: CommandTable) -> [String] {
        let sessions =
            options.security?.asksForClients == true
            ? options.identityLimits.sentences(table)
            : ["\(options.maxSessions) sessions (--max-sessions)"]
        // In plaintext there is no handshake to limit, except for the header that a balancer sends.
        let hasHandshakes = options.security != nil || !options.strangers.balancers.isEmpty
        return sessions + (hasHandshakes ? options.strangers.sentences : [])
    }

    /// The warnings that a start or a reload would give about the files it reads.
    private func warn(of context: TLSContext?) {
        var warnings = context?.warnings ?? []
        warnings += context?.expiries.compactMap { $0.warning() } ?? []
        if options.security?.writesKeyLog == true { warnings.append(keyLogWarning) }
        for warning in warnings { Log.write("parleyd", "warning: \(warning)") }
    }

    /// A start would succeed all the same.
    private func warnOfMetrics() {
        guard let path = options.metrics else { return }
        do throws(FileError) {
            try FileReplacement(path, beginning: Metrics.beginning).examine()
        } catch {
            Log.write("parleyd", "warning: the metrics file \(error)")
        }
    }

    /// What was not checked, on which a start could still fail.
    private var unseen: [String] {
        var lines: [String] = []
        if isOfTableOnly {
            lines.append(
                "Not checked: certificates, keys and CRLs; give the server's options to check them too."
            )
        }
        if geteuid() == 0 {
            lines.append(
                "Checked as root: a server that runs as another user may read and run less (check as that user)."
            )
        }
        return lines.isEmpty ? [] : [""] + lines
    }

    /// The one certificate that has these names; nil if there are none.
    private static func identity(_ texts: [String]) throws(UsageError) -> Identity? {
        guard !texts.isEmpty else { return nil }
        for text in texts {
            guard let fault = Identity.fault(in: text) else { continue }
            throw UsageError("--as: \(fault)")
        }
        let keys = texts.filter { $0.utf8.starts(with: "key:".utf8) }
        guard keys.count < 2 else {
            throw UsageError("--as was given two keys, but a certificate has only one")
        }
        return Identity(names: texts.filter { !keys.contains($0) }, key: keys.first ?? "")
    }

    private static let help = """
        usage: parleyd check --commands FILE [--as IDENTITY]...
               parleyd check [PROTOCOL] [the server's options] [--quiet]

        Reads the command table, certificates, keys and CRLs as the server would at
        startup or on SIGHUP, and prints what each identity in the table could run.
        It takes the server's options, but changes nothing and listens on no port.

          --commands FILE       the table; given alone, nothing else is checked
          --as IDENTITY         what a certificate with this name could run: dns:NAME,
                                email:ADDRESS, uri:URI or key:sha256:BASE64; repeat it
                                for one certificate with several names
          --quiet               only errors and warnings, for ExecReload= in a unit
          --help, -h

        Exit status: 0 if a server could start, 78 if it could not or a reload would
        keep the old files, 64 on a usage error.

        """
}
