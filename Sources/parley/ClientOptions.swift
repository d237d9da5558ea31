// parley's command line.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Conversations
internal import Glibc
internal import Remote
internal import Sockets
internal import TLS

/// What parley was told, checked.
struct ClientOptions {
    let conversation: Conversation
    /// `pair hello`: both ends in this process.
    let isPair: Bool
    let endpoint: Endpoint
    /// For `run`; its server is the `command` server.
    let run: RunOptions?
    /// What stands behind `--`; nil for the interactive session and for `run`.
    let messages: [String]?
    let isQuiet: Bool
    /// Nil for `--plaintext`.
    var security: SecurityOptions?
    let serverName: ServerName?
    let connectTimeout: Duration
    var deadlines = Deadlines()

    /// The options that a client takes.
    static let flags = ["plaintext", "quiet", "batch", "json", "help", "version"]
    static let valued =
        ["port", "connect-timeout", "status-fd", "keepalive"] + Deadlines.options
        + SecurityOptions.client
    /// Those of them that are for `run` alone.
    static let runsOwn = ["batch", "json", "status-fd", "keepalive"]

    /// Reads a command line; `--help` and `--version` end the process.
    init(_ words: [String]) throws {
        let arguments = try Arguments(words, flags: Self.flags, valued: Self.valued)
        if arguments.has("help") {
            let isRun = arguments.operands.first == "run"
            endAfterPrinting(Self.help + (isRun ? runHelp : ""), failure: 255)
        }
        if arguments.has("version") {
            endAfterPrinting(versionLine(of: "parley") + "\n", failure: 255)
        }
        var operands = arguments.operands[...]
        isPair = operands.first == "pair"
        if isPair { operands = operands.dropFirst() }
        guard let name = operands.popFirst() else {
            throw UsageError(
                isPair
                    ? "a protocol is missing: pair hello"
                    : "a protocol is missing: hello, greeting, command, chat, or run")
        }
        let isRun = name == "run" && !isPair
        guard let conversation = isRun ? .command : Conversation(rawValue: name),
            !isPair || conversation == .hello
        else {
            throw UsageError(
                isPair
                    ? "'\(name)' has no pair; there is pair hello"
                    : "'\(name)' is no protocol; there are hello, greeting, command, chat, and run")
        }
        self.conversation = conversation
        let port = try arguments.port("port") ?? conversation.defaultPort
        let host = operands.popFirst()
        if isPair, let host {
            throw UsageError(
                "'\(host)' is one argument too many: both ends of a pair are in this process")
        }
        if let host, let at = host.lastIndex(of: "@") {
            throw UsageError(
                "'\(host)' names a user, but Parley has no users: the certificate says who asks; give \(host[host.index(after: at)...]) alone"
            )
        }
        guard let endpoint = Endpoint(host ?? "127.0.0.1", defaultPort: port) else {
            throw UsageError(
                "'\(host ?? "")' is no host: HOST, HOST:PORT, or [IPV6]:PORT with a port up to 65535"
            )
        }
        guard isPair || endpoint.port > 0 else { throw UsageError("port 0 is none to connect to") }
        self.endpoint = endpoint
        if let extra = operands.first {
            throw UsageError(
                "'\(extra)' is one argument too many; \(isRun ? "the command stands" : "messages stand") behind --"
            )
        }
        run = isRun ? try Self.runOptions(arguments, host: host ?? endpoint.host) : nil
        for name in Self.runsOwn
        where !isRun && arguments.has(name) {
            throw UsageError("--\(name) belongs to parley run")
        }
        messages = isRun ? nil : arguments.rest
        if let messages {
            guard conversation == .command else {
                throw UsageError("\(conversation) takes no messages behind --, only command does")
            }
            guard !messages.isEmpty else { throw UsageError("behind -- a message is missing") }
        }
        isQuiet = arguments.has("quiet")
        connectTimeout = try arguments.seconds("connect-timeout") ?? .seconds(10)
        try deadlines.read(arguments)
        try deadlines.readKeepalive(arguments)
        if arguments.has("plaintext") {
            if isRun {
                throw UsageError(
                    "run has no plaintext form, since the server must know who asks; leave --plaintext out"
                )
            }
            try SecurityOptions.refuseWithPlaintext(arguments, SecurityOptions.client)
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
                throw UsageError("'\(name)' is no name of a server: \(error.told)")
            }
        }
    }

    private static func runOptions(
        _ arguments: Arguments, host: String
    ) throws(UsageError) -> RunOptions {
        let isBatch = arguments.has("batch")
        if let command = arguments.rest {
            guard !command.isEmpty else { throw UsageError("behind -- a command is missing") }
            guard !isBatch else {
                throw UsageError(
                    "--batch reads its commands from standard input, not from behind --")
            }
        }
        return RunOptions(
            host: host, command: arguments.rest, isBatch: isBatch, isJSON: arguments.has("json"),
            statusDescriptor: try arguments["status-fd"].map(statusDescriptor(_:)))
    }

    static let help = """
        usage: parley run [options] HOST[:PORT] [-- COMMAND [ARGUMENT...]]
               parley PROTOCOL [options] [HOST[:PORT]]      asks a server over TLS 1.3
               parley command [options] [HOST[:PORT]] -- MESSAGE...
               parley pair hello [options]                  both ends in one process
        PROTOCOL: hello (port 8080), greeting (5000), command, run (12345), chat (5000)
          --batch               run: one command a line from standard input
          --json, --status-fd N run: outcomes as objects on standard error, on N
          --keepalive SECONDS   run: asks a silent server if it is there (15); 0: never
          --port N              another port; HOST is 127.0.0.1 if left out
          --quiet               no console lines on standard output
          --plaintext           no encryption, as the Python programs have it
          --ca FILE             trusts these CAs, not DIR/ca.pem or the system's
          --pin sha256//HASH    trusts this public key; may be repeated
          --server-name NAME    the name to verify where it is not HOST; or uri:URI
          --certs DIR           ca.pem, client.*; or ~/.config/parley, /etc/parley
          --cert, --key FILE    another client certificate, another key
          --crl FILE            refuses a revoked server certificate
          --tls-min 1.2         allows TLS 1.2 as well
          --keylog FILE         writes session secrets, for debugging
          --connect-timeout, --handshake-timeout SECONDS       default 10 each
          --idle-timeout, --close-timeout SECONDS              default 300 and 5
          --version, --help, -h (parley run -h: interactive sessions and quoting)
        Ends with the command's status, 251 (the server's limit), 252 (cut short),
        253 (refused), 254 (not trusted) or 255. Example: parley run localhost -- help

        """
}
