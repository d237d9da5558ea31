// parleyd's command line.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Glibc
internal import Sessions
internal import Sockets

/// What parleyd was told, checked.
struct ServerOptions {
    let conversation: Conversation
    let endpoint: Endpoint
    let threads: Int
    let isOnce: Bool
    let isQuiet: Bool
    /// Nil for `--plaintext`.
    let security: SecurityOptions?
    var deadlines = Deadlines()
    let mostSessions: Int
    let drain: Double

    /// Reads a command line; `--help` and `--version` end the process.
    init(_ words: [String]) throws {
        let arguments = try Arguments(
            words, flags: ["plaintext", "once", "quiet", "help", "version"],
            valued: ["host", "port", "threads", "max-sessions", "drain"] + Deadlines.options
                + SecurityOptions.server)
        if arguments.has("help") { endAfterPrinting(Self.help, failure: 64) }
        if arguments.has("version") {
            endAfterPrinting(versionLine(of: "parleyd") + "\n", failure: 64)
        }
        guard let name = arguments.operands.first else {
            throw UsageError("a protocol is missing: hello, greeting, command or chat")
        }
        guard let conversation = Conversation(rawValue: name) else {
            throw UsageError(
                "'\(name)' is no protocol; there are hello, greeting, command and chat")
        }
        if let extra = arguments.operands.dropFirst().first ?? arguments.rest?.first {
            throw UsageError(
                "'\(extra)' is one argument too many; where to listen is said by --host and --port")
        }
        self.conversation = conversation
        let host = arguments["host"] ?? conversation.defaultHost
        let port = try arguments.port("port") ?? conversation.defaultPort
        // A port belongs to --port: with one in it, the text's port is the same whatever the default.
        guard let parsed = Endpoint(host, defaultPort: port),
            Endpoint(host, defaultPort: 0)?.port != Endpoint(host, defaultPort: 1)?.port
        else {
            throw UsageError(
                "'\(host)' is no host for --host, which takes a name or an address without a port")
        }
        endpoint = parsed
        isOnce = arguments.has("once")
        isQuiet = arguments.has("quiet")
        let threads = try arguments.number("threads", 1...1_024) ?? Self.cores
        // One operator, or one session: more loops would only hand them to each other.
        self.threads = conversation == .chat || isOnce ? 1 : threads
        if arguments.has("plaintext") {
            try SecurityOptions.refuseWithPlaintext(arguments, SecurityOptions.server)
            security = nil
        } else {
            if arguments.has("crl"), !arguments.has("client-ca") {
                throw UsageError(
                    "--crl needs --client-ca: without it no client shows a certificate that could be revoked"
                )
            }
            security = try SecurityOptions(arguments)
        }
        try deadlines.read(arguments)
        mostSessions = try arguments.number("max-sessions", 1...10_000_000) ?? 10_000
        drain = try arguments.seconds("drain") ?? 10
    }

    private static var cores: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    static let help = """
        usage: parleyd PROTOCOL [options]      answers over TLS 1.3 until it is stopped
        PROTOCOL: hello (port 8080), greeting (5000), command (12345), chat (5000)

          --host ADDRESS        default 127.0.0.1, for hello and greeting 0.0.0.0;
                                :: is IPv6 and IPv4
          --port N              0: the kernel chooses
          --threads N           event loops; default one a core
          --once                ends after one session
          --quiet               no console lines on standard output
          --plaintext           no encryption, as the Python programs have it
          --certs DIR           server.pem, server.key; default certs, /etc/parley
          --cert, --key FILE    another certificate, another key
          --client-ca FILE      requires client certificates of these CAs
          --crl FILE            refuses revoked client certificates
          --tls-min 1.2         allows TLS 1.2 as well
          --keylog FILE         writes session secrets, for debugging
          --max-sessions N      at once; default 10000
          --handshake-timeout, --idle-timeout, --close-timeout, --drain
                                in SECONDS; default 10, 300, 5 and 10; the last one
                                is what sessions have after SIGTERM
          --version, --help
        SIGHUP reads certificates, keys and CRLs again; scripts/generate-certs makes
        them. Example: parleyd command --client-ca certs/ca.pem

        """
}
