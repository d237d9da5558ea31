// parley's command line.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Conversations
internal import Glibc
internal import Remote
internal import Sockets
internal import TLS

/// parley's command line, checked.
struct ClientOptions {
    let conversation: Conversation
    /// `pair hello`: both ends in this process.
    let isPair: Bool
    let endpoint: Endpoint
    /// How sentences name the server.
    let server: NamedServer
    /// For `run`; its server is the `command` server.
    let run: RunOptions?
    /// The words after `--`; nil for an interactive session and for `run`.
    let messages: [String]?
    let isQuiet: Bool
    /// Nil for `--plaintext`.
    var security: SecurityOptions?
    let serverName: ServerName?
    let connectTimeout: Duration
    var deadlines = Deadlines()

    /// The options that a client takes.
    static let flags = [
        "plaintext", "quiet", "batch", "json", "no-input", "progress", "help", "version",
    ]
    static let valued =
        ["config", "port", "connect-timeout", "status-fd", "keepalive", "timeout"]
        + Deadlines.options
        + SecurityOptions.client
    /// Those that are only for `run`.
    static let runsOwn = [
        "batch", "json", "no-input", "progress", "status-fd", "keepalive", "timeout",
    ]

    /// Reads a command line; `--help`, `--version` and `config` end the process.
    init(_ words: [String]) throws {
        let given = try Arguments(
            words, flags: Self.flags, valued: Self.valued, short: ["n": "no-input"])
        if given.has("help") {
            let isRun = given.operands.first == "run"
            endAfterPrinting(Self.help + (isRun ? runHelp : ""), failure: 255)
        }
        if given.has("version") {
            endAfterPrinting(versionLine(of: "parley") + "\n", failure: 255)
        }
        var operands = given.operands[...]
        if operands.first == "config" { try ConfigReport(given).end() }
        isPair = operands.first == "pair"
        if isPair { operands = operands.dropFirst() }
        guard let name = operands.popFirst() else {
            throw UsageError(
                isPair
                    ? "missing protocol; use pair hello"
                    : "missing protocol; use hello, greeting, command, chat, run or config")
        }
        let isRun = name == "run" && !isPair
        guard let conversation = isRun ? .command : Conversation(rawValue: name),
            !isPair || conversation == .hello
        else {
            throw UsageError(
                isPair
                    ? "'\(name)' cannot run as a pair; use pair hello"
                    : "'\(name)' is not a protocol; use hello, greeting, command, chat, run or config"
            )
        }
        self.conversation = conversation
        let host = operands.popFirst()
        if isPair, let host {
            throw UsageError(
                "unexpected argument '\(host)': both ends of a pair run in this process")
        }
        if let extra = operands.first {
            throw UsageError(
                "unexpected argument '\(extra)'; \(isRun ? "the command goes" : "messages go") after --"
            )
        }
        for name in Self.runsOwn where !isRun && given.has(name) {
            throw UsageError("--\(name) is only for parley run")
        }
        let arguments: Arguments
        if isPair {
            arguments = given
            let port = try given.port("port") ?? conversation.defaultPort
            endpoint = Endpoint(host: "127.0.0.1", port: port)
            server = NamedServer("", at: nil)
        } else {
            let chosen = try ChosenServer(given, host: host, defaultPort: conversation.defaultPort)
            arguments = chosen.arguments
            endpoint = chosen.endpoint
            server = chosen.named
        }
        run = isRun ? try Self.runOptions(arguments, server) : nil
        messages = isRun ? nil : arguments.rest
        if let messages {
            guard conversation == .command else {
                throw UsageError("\(conversation) takes no messages after --; only command does")
            }
            guard !messages.isEmpty else { throw UsageError("missing message after --") }
        }
        isQuiet = arguments.has("quiet")
        connectTimeout = try arguments.seconds("connect-timeout") ?? .seconds(10)
        try deadlines.read(arguments)
        if isRun { try deadlines.readKeepalive(arguments) }
        if arguments.has("plaintext") {
            if isRun {
                throw UsageError(
                    "run cannot use --plaintext, because the server must know who the caller is; omit it"
                )
            }
            try SecurityOptions.refuseWithPlaintext(given, SecurityOptions.client)
            security = nil
            serverName = nil
        } else {
            var security = try SecurityOptions(arguments, role: .client)
            if isRun { security.applicationProtocols = [remoteProtocol] }
            security.mayBePlaintext = !isRun
            self.security = security
            let name = arguments["server-name"] ?? endpoint.host
            do {
                serverName = try ServerName(name)
            } catch {
                throw UsageError("'\(name)' is not a valid server name: \(error.told)")
            }
        }
    }

    private static func runOptions(
        _ arguments: Arguments, _ server: NamedServer
    ) throws(UsageError) -> RunOptions {
        let isBatch = arguments.has("batch")
        if let command = arguments.rest {
            guard !command.isEmpty else { throw UsageError("missing command after --") }
            guard !isBatch else {
                throw UsageError(
                    "--batch reads commands from standard input; give none after --")
            }
        }
        var options = RunOptions(
            server: server, command: arguments.rest, isBatch: isBatch,
            isJSON: arguments.has("json"),
            statusDescriptor: try arguments["status-fd"].map(statusDescriptor(_:)))
        options.givesInput = !isBatch && !arguments.has("no-input")
        options.timeout = try arguments.seconds("timeout")
        options.showsProgress = arguments.has("progress")
        for name in ["no-input", "progress"] where arguments.has(name) && arguments.rest == nil {
            throw UsageError("--\(name) is for a single command; give one after --")
        }
        guard options.timeout == nil || !options.isConversational else {
            throw UsageError(
                "--timeout is for a command after -- or --batch, not for an interactive session")
        }
        return options
    }

    static let help = """
        usage: parley run [options] HOST[:PORT] [-- COMMAND [ARGUMENT...]]
               parley PROTOCOL [options] [HOST[:PORT]]     talk to a server over TLS 1.3
               parley command [options] [HOST[:PORT]] -- MESSAGE...
               parley pair hello [options]                 both ends in one process
               parley config [options] HOST[:PORT]         what is in force for a host
        PROTOCOL: hello (port 8080), greeting (5000), command, run (12345), chat (5000)
          --batch                      run: commands from standard input, one per line
          --no-input, -n               run: give the command no input
          --timeout SECONDS            run: end it all after this time
          --progress                   run: show how far a long transfer is
          --json                       run, config: write JSON (run: to standard error)
          --status-fd N                run: write outcomes as JSON to descriptor N
          --keepalive SECONDS          run: ping a silent server (default 15, 0: never)
          --config FILE                hosts by name or pattern, see parley-config(5);
                                       default $PARLEY_CONFIG, or config.json5 in
                                       ~/.config/parley and in /etc/parley
          --port N                     another port (HOST defaults to 127.0.0.1)
          --quiet                      print no console lines on standard output
          --plaintext                  no encryption, as in the tutorials' programs
          --ca FILE                    trust these CAs, not DIR/ca.pem or the system's
          --pin sha256//HASH           trust this public key; can be repeated
          --server-name NAME, uri:URI  the name to verify, if not HOST
          --certs DIR                  directory with ca.pem, client.pem and client.key;
                                       default ~/.config/parley, then /etc/parley
          --cert FILE, --key FILE      another client certificate and its key
          --crl FILE                   reject a revoked server certificate
          --tls-min 1.2                allow TLS 1.2 as well
          --keylog FILE                write session secrets, for debugging
          --connect-timeout SECONDS, --handshake-timeout SECONDS      default 10 each
          --idle-timeout SECONDS, --close-timeout SECONDS             default 300 and 5
          --version                    print the versions of Parley and OpenSSL
          --help, -h                   this help; with run: sessions and quoting as well
        Exit status: the command's own, 251 (limit of the server), 252 (cut short),
        253 (refused), 254 (not trusted) or 255. Example: parley run localhost -- help

        """
}
