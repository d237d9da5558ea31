// parleyd's command line.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Conversations
internal import Glibc
internal import Programs
internal import Remote
internal import Sockets
internal import System

/// What parleyd was told, checked.
struct ServerOptions {
    let conversation: Conversation
    let endpoint: Endpoint
    let threads: Int
    let isOnce: Bool
    let isQuiet: Bool
    /// Nil for `--plaintext`.
    var security: SecurityOptions?
    var deadlines = Deadlines()
    let mostSessions: Int
    let identityLimits: IdentityLimits
    let strangers: StrangerLimits
    /// How long a session of a client with a certificate may last.
    let mostSessionAge: Duration
    let drain: Duration
    /// The command table's file; nil for the third document's commands.
    let commands: String?
    /// Nil for no audit trail.
    let audit: AuditOptions?
    let grace: Duration
    /// Whom programs run as whose entry names nobody, where root starts the server.
    let programUser: String
    /// Whom the network process runs as, where root starts the server.
    let networkUser: String
    /// What programs have of control groups; nil while that wasn't looked at.
    private(set) var groupSupport: ControlGroupSupport?
    /// Where they have them.
    private(set) var groups: CommandGroups?

    /// The options that a server takes.
    static let flags = ["plaintext", "once", "quiet", "help", "version"] + AuditOptions.flags
    static let valued =
        [
            "host", "port", "threads", "max-sessions", "max-session-age", "drain", "commands",
            "grace", "keepalive", "program-user", "network-user",
        ]
        + AuditOptions.valued + IdentityLimits.options + StrangerLimits.options + Deadlines.options
        + SecurityOptions.server

    /// Reads a command line; `--help` and `--version` end the process.
    init(_ words: [String]) throws {
        let arguments = try Arguments(words, flags: Self.flags, valued: Self.valued)
        if arguments.has("help") { endAfterPrinting(Self.help, failure: 64) }
        if arguments.has("version") {
            endAfterPrinting(versionLine(of: "parleyd") + "\n", failure: 64)
        }
        try self.init(arguments)
    }

    /// - Parameter otherwise: the protocol where none is named; nil where one must be.
    init(_ arguments: Arguments, otherwise: Conversation? = nil) throws {
        guard let name = arguments.operands.first ?? otherwise?.rawValue else {
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
        // A port belongs to --port: with one in it, the text's port is the same whatever the
        // default.
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
            var security = try SecurityOptions(arguments, role: .server)
            if conversation == .command, security.asksForClients {
                security.applicationProtocols = [remoteProtocol]
            }
            // Whoever asks for certificates wants to know who asks.
            security.mayBePlaintext = !security.asksForClients
            self.security = security
        }
        for name in ["commands", "grace", "keepalive", "program-user"] + AuditOptions.flags
            + AuditOptions.valued
        where conversation != .command && arguments.has(name) {
            throw UsageError(
                "--\(name) belongs to parleyd command; \(conversation) runs no commands")
        }
        commands = arguments["commands"]
        audit = try AuditOptions(arguments, isAlways: commands != nil)
        grace = try arguments.seconds("grace") ?? .seconds(5)
        programUser = try Self.user("program", arguments, otherwise: "parley")
        networkUser = try Self.user("network", arguments, otherwise: "parley-net")
        if geteuid() == 0, let number = Self.number(of: networkUser),
            number == Self.number(of: programUser)
        {
            throw UsageError(
                "--network-user and --program-user are both \(escaped(networkUser)), so that a program could end or trace what serves the network; name two users"
            )
        }
        try deadlines.read(arguments)
        try deadlines.readKeepalive(arguments)
        mostSessions = try arguments.number("max-sessions", 1...10_000_000) ?? 10_000
        identityLimits = try IdentityLimits(arguments, mostSessions: mostSessions)
        strangers = try StrangerLimits(arguments, mostSessions: mostSessions)
        mostSessionAge = try arguments.seconds("max-session-age") ?? .seconds(86_400)
        drain = try arguments.seconds("drain") ?? .seconds(10)
    }

    /// Nil where the system knows nobody of that name, or can't tell.
    private static func number(of name: String) -> UInt32? {
        (try? UserNumbers(alone: name))?.user
    }

    private static func user(
        _ what: String, _ arguments: Arguments, otherwise: String
    ) throws(UsageError) -> String {
        guard let name = arguments["\(what)-user"] else { return otherwise }
        // Who can't be looked up is told of when it is needed.
        let number = number(of: name)
        if geteuid() == 0 {
            guard number != 0 else {
                throw UsageError(
                    what == "program"
                        ? "--program-user can't be \(escaped(name)): a program runs as root only where its entry in the table says user: \"root\""
                        : "--network-user can't be \(escaped(name)): what serves the network runs as a user that owns nothing"
                )
            }
        } else if number != geteuid() {
            throw UsageError(
                "--\(what)-user is for a parleyd that is started as root; this one's \(what == "program" ? "programs run" : "network process runs") as its own user, \(UserAccount.current().name)"
            )
        }
        return name
    }

    /// Sees to it that programs can have control groups, where there can be programs. Before anything else is started.
    mutating func prepareGroups() {
        guard commands != nil else { return }
        do throws(ControlGroupError) {
            let groups = try CommandGroups()
            self.groups = groups
            groupSupport = groups.support
        } catch {
            groupSupport = ControlGroupSupport(without: error.description)
        }
    }

    /// Finds out what a start would come to, and changes nothing.
    mutating func examineGroups() { groupSupport = .examine() }

    private static var cores: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    static let help = """
        usage: parleyd PROTOCOL [options]      answers over TLS 1.3 until it is stopped
               parleyd check [options] [--as IDENTITY]      reads files as a start would
               parleyd reload PROCESS      has a server read its files again, and waits
        PROTOCOL: hello (port 8080), greeting (5000), command (12345), chat (5000)
          --commands FILE       the table of commands that clients may run
          --program-user, --network-user NAME   if root starts it (parley, parley-net)
          --audit FILE, --audit journal  a record of each of them; - is standard error
          --audit-group GROUP, --audit-fsync  who may read it; starts wait for the disk
          --audit-rate KIB, --audit-reserve MIB  limit its growth (32, 64)
          --host ADDRESS        default 127.0.0.1, for hello and greeting 0.0.0.0;
                                :: takes IPv6 and IPv4
          --port N              0: the kernel chooses
          --threads N           event loops; default one per core
          --once, --quiet       ends after one session; no console lines
          --plaintext           no encryption, as the Python programs have it
          --certs DIR           server.pem, server.key; default /etc/parley
          --cert, --key FILE    another certificate, another key
          --client-ca FILE      requires client certificates of these CAs
          --crl FILE            refuses revoked client certificates
          --tls-min 1.2         allows TLS 1.2 as well
          --keylog FILE         writes session secrets, for debugging
          --max-sessions N      at once; default 10000
          --max-identity-sessions, --reserved-sessions, --max-identity-programs,
          --max-identity-starts N  limits for one client; parleyd check lists them
          --max-handshakes, --max-handshakes-per-address, --max-failed-handshakes N,
          --trusted-address, --proxy-from CIDR  limits before the handshake ends
          --max-session-age SECONDS  of clients with certificates (86400)
          --keepalive SECONDS   asks silent clients if they are there (15); 0: never
          --handshake-timeout, --idle-timeout, --close-timeout SECONDS (10, 300, 5)
          --drain SECONDS       time sessions get to finish after SIGTERM (10)
          --grace SECONDS       time a program gets between SIGTERM and SIGKILL (5)
          --version, --help, -h
        SIGHUP reloads certificates, keys, CRLs and the table.
        Example: parleyd command --client-ca ca.pem --commands commands.json5

        """
}
