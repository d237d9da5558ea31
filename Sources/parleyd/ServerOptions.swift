// parleyd's command line.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Conversations
internal import Glibc
internal import Programs
internal import Remote
internal import Sockets
internal import System

/// What parleyd was told to do, checked.
struct ServerOptions {
    let conversation: Conversation
    let endpoint: Endpoint
    let threads: Int
    let isOnce: Bool
    let isQuiet: Bool
    /// Nil for `--plaintext`.
    var security: SecurityOptions?
    var deadlines = Deadlines()
    let maxSessions: Int
    let identityLimits: IdentityLimits
    let strangers: StrangerLimits
    /// The maximum age of a session of a client with a certificate.
    let maxSessionAge: Duration
    let drain: Duration
    /// The file of the command table; nil for the commands of the third tutorial.
    let commands: String?
    /// Nil for no audit trail.
    let audit: AuditOptions?
    /// The file of the metrics; nil for none.
    let metrics: String?
    let grace: Duration
    /// The user for programs whose entry names nobody, if root starts the server.
    let programUser: String
    /// The user that the network process runs as, if root starts the server.
    let networkUser: String
    /// What control groups programs can have; nil until that has been examined.
    private(set) var groupSupport: ControlGroupSupport?
    /// Where those groups are.
    private(set) var groups: CommandGroups?

    /// The options that a server accepts.
    static let flags = ["plaintext", "once", "quiet", "help", "version"] + AuditOptions.flags
    static let valued =
        [
            "host", "port", "threads", "max-sessions", "max-session-age", "drain", "commands",
            "grace", "keepalive", "program-user", "network-user", "metrics",
        ]
        + AuditOptions.valued + IdentityLimits.options + StrangerLimits.options + Deadlines.options
        + SecurityOptions.server

    /// Parses a command line; `--help` and `--version` end the process.
    init(_ words: [String]) throws {
        let arguments = try Arguments(words, flags: Self.flags, valued: Self.valued)
        if arguments.has("help") { endAfterPrinting(Self.help, failure: 64) }
        if arguments.has("version") {
            endAfterPrinting(versionLine(of: "parleyd") + "\n", failure: 64)
        }
        try self.init(arguments)
    }

    /// - Parameter otherwise: the protocol if none is named; nil if one is required.
    init(_ arguments: Arguments, otherwise: Conversation? = nil) throws {
        guard let name = arguments.allOperands.first ?? otherwise?.rawValue else {
            throw UsageError(
                "the protocol is missing; give one of hello, greeting, command and chat")
        }
        guard let conversation = Conversation(rawValue: name) else {
            throw UsageError(
                "'\(name)' is not a protocol; give one of hello, greeting, command and chat")
        }
        if let extra = arguments.allOperands.dropFirst().first {
            throw UsageError(
                "unexpected argument '\(extra)'; use --host and --port to choose where to listen")
        }
        self.conversation = conversation
        let host = arguments["host"] ?? conversation.defaultHost
        let port = try arguments.port("port") ?? conversation.defaultPort
        // A port belongs in --port: with one in it, the text's port would be the same whatever the
        // default.
        guard let parsed = Endpoint(host, defaultPort: port),
            Endpoint(host, defaultPort: 0)?.port != Endpoint(host, defaultPort: 1)?.port
        else {
            throw UsageError(
                "'\(host)' is not a valid host for --host; give a name or an address without a port"
            )
        }
        endpoint = parsed
        isOnce = arguments.has("once")
        isQuiet = arguments.has("quiet")
        let threads = try arguments.number("threads", 1...1_024) ?? Self.cores
        // One operator, or one session: more loops would only pass them to each other.
        self.threads = conversation == .chat || isOnce ? 1 : threads
        if arguments.has("plaintext") {
            try SecurityOptions.refuseWithPlaintext(arguments, SecurityOptions.server)
            security = nil
        } else {
            if arguments.has("crl"), !arguments.has("client-ca") {
                throw UsageError(
                    "--crl needs --client-ca: without it, clients present no certificate that could be revoked"
                )
            }
            var security = try SecurityOptions(arguments, role: .server)
            if conversation == .command, security.asksForClients {
                security.applicationProtocols = [remoteProtocol]
            }
            // Whoever asks for certificates wants to know who the clients are.
            security.mayBePlaintext = !security.asksForClients
            self.security = security
        }
        for name in ["commands", "grace", "keepalive", "program-user"] + AuditOptions.flags
            + AuditOptions.valued
        where conversation != .command && arguments.has(name) {
            throw UsageError(
                "--\(name) is for parleyd command; \(conversation) runs no commands")
        }
        commands = arguments["commands"]
        audit = try AuditOptions(arguments, isAlways: commands != nil)
        // An empty one cancels what a unit's file specifies.
        metrics = arguments["metrics"].flatMap { $0.isEmpty ? nil : $0 }
        guard metrics != "-" else {
            throw UsageError(
                "--metrics needs a file, since each version replaces the last one; name one (./- is a file called '-')"
            )
        }
        grace = try arguments.seconds("grace") ?? .seconds(5)
        programUser = try Self.user("program", arguments, otherwise: "parley")
        networkUser = try Self.user("network", arguments, otherwise: "parley-net")
        if geteuid() == 0, let number = Self.number(of: networkUser),
            number == Self.number(of: programUser)
        {
            throw UsageError(
                "--network-user and --program-user are both \(escaped(networkUser)), so a program could kill or trace the network process; name two different users"
            )
        }
        try deadlines.read(arguments)
        try deadlines.readKeepalive(arguments)
        maxSessions = try arguments.number("max-sessions", 1...10_000_000) ?? 10_000
        identityLimits = try IdentityLimits(arguments, maxSessions: maxSessions)
        strangers = try StrangerLimits(arguments, maxSessions: maxSessions)
        maxSessionAge = try arguments.seconds("max-session-age") ?? .seconds(86_400)
        drain = try arguments.seconds("drain") ?? .seconds(10)
    }

    /// Nil if the system knows no user with that name, or can't tell.
    private static func number(of name: String) -> UInt32? {
        (try? UserNumbers(alone: name))?.user
    }

    private static func user(
        _ what: String, _ arguments: Arguments, otherwise: String
    ) throws(UsageError) -> String {
        guard let name = arguments["\(what)-user"] else { return otherwise }
        // A user that can't be looked up is reported when it is needed.
        let number = number(of: name)
        if geteuid() == 0 {
            guard number != 0 else {
                throw UsageError(
                    what == "program"
                        ? "--program-user cannot be \(escaped(name)): a program runs as root only if its entry in the table says user: \"root\""
                        : "--network-user cannot be \(escaped(name)): the network process runs as a user that owns nothing"
                )
            }
        } else if number != geteuid() {
            throw UsageError(
                "--\(what)-user is for a parleyd started as root; this one's \(what == "program" ? "programs run" : "network process runs") as its own user, \(UserAccount.current().name)"
            )
        }
        return name
    }

    /// Makes sure that programs can have control groups, if there can be programs. Before anything else is started.
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

    /// Finds out what a start would achieve, and changes nothing.
    mutating func examineGroups() { groupSupport = .examine() }

    private static var cores: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    static let help = """
        usage: parleyd PROTOCOL [options]      serve over TLS 1.3 until stopped
               parleyd check [options] [--as IDENTITY]      check the files
               parleyd reload PROCESS, parleyd status [FILE]      for a server that runs
        PROTOCOL: hello (port 8080), greeting (5000), command (12345), chat (5000)
          --commands FILE       table of the commands that clients may run
          --program-user, --network-user NAME  when started by root (parley, parley-net)
          --audit FILE, --audit journal  write a record per event; - is standard error
          --audit-group GROUP, --audit-fsync  who may read it; starts wait for the disk
          --audit-rate KIB, --audit-reserve MIB  limit its growth (32, 64)
          --metrics FILE        write metrics for Prometheus, and for parleyd status
          --host ADDRESS        default 127.0.0.1; 0.0.0.0 for hello and greeting;
                                :: accepts IPv6 and IPv4
          --port, --threads N   0 takes a free port; event loops, default one per core
          --once, --quiet       end after one session; print no console lines
          --plaintext           no encryption, for the tutorials' Python programs
          --certs DIR           has server.pem and server.key; default /etc/parley
          --cert, --key FILE    use this certificate, this key instead
          --client-ca FILE      require client certificates from these CAs
          --crl FILE            refuse revoked client certificates
          --tls-min 1.2, --keylog FILE   allow TLS 1.2; write session secrets
          --max-sessions N      at once; default 10000
          --max-identity-sessions, --reserved-sessions, --max-identity-programs,
          --max-identity-starts, --max-identity-matching, --max-identity-refusals N
                                limits for one client; parleyd check lists them
          --max-handshakes, --max-handshakes-per-address, --max-failed-handshakes N,
          --trusted-address, --proxy-from CIDR  limits until the handshake is done
          --max-session-age SECONDS  for clients with certificates (86400)
          --keepalive SECONDS   check whether silent clients are alive (15); 0: never
          --handshake-timeout, --idle-timeout, --close-timeout SECONDS (10, 300, 5)
          --drain SECONDS       time sessions get to finish after SIGTERM (10)
          --grace SECONDS       time a program gets between SIGTERM and SIGKILL (5)
          --version, --help, -h
        SIGHUP reloads certificates, keys, CRLs and the table.
        Example: parleyd command --client-ca ca.pem --commands commands.json5

        """
}
