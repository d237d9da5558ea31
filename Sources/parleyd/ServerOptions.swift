// parleyd's command line.
// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Conversations
internal import Glibc
internal import Programs
internal import Records
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
    /// Where the audit trail goes; nil for none.
    let audit: String?
    let syncsAudit: Bool
    /// How many bytes of records per second one identity may cause, or all clients without one.
    let auditRate: Int
    let auditLimits: AuditLimits
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
    static let flags = ["plaintext", "once", "quiet", "audit-fsync", "help", "version"]
    static let valued =
        [
            "host", "port", "threads", "max-sessions", "max-session-age", "drain", "commands",
            "audit", "audit-rate", "audit-reserve", "grace",
            "keepalive", "program-user", "network-user",
        ]
        + IdentityLimits.options + StrangerLimits.options + Deadlines.options
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
        guard let name = arguments.operands.first ?? otherwise?.rawValue else {
            throw UsageError(
                "the protocol is missing; give one of hello, greeting, command and chat")
        }
        guard let conversation = Conversation(rawValue: name) else {
            throw UsageError(
                "'\(name)' is not a protocol; give one of hello, greeting, command and chat")
        }
        if let extra = arguments.operands.dropFirst().first ?? arguments.rest?.first {
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
        for name in [
            "commands", "audit", "audit-fsync", "audit-rate", "audit-reserve", "grace", "keepalive",
            "program-user",
        ]
        where conversation != .command && arguments.has(name) {
            throw UsageError(
                "--\(name) is for parleyd command; \(conversation) runs no commands")
        }
        commands = arguments["commands"]
        // A command of the table leaves a record unless something else was specified.
        audit = arguments["audit"] ?? (commands == nil ? nil : "-")
        syncsAudit = arguments.has("audit-fsync")
        if syncsAudit, audit == nil || audit == "-" {
            throw UsageError("--audit-fsync needs a file: name it with --audit")
        }
        for name in ["audit-rate", "audit-reserve"] where audit == nil && arguments.has(name) {
            throw UsageError("--\(name) limits the audit trail: name its file with --audit")
        }
        auditRate =
            try arguments.number("audit-rate", 1...1_048_576).map { $0 << 10 } ?? Budget.usualRate
        auditLimits = try Self.auditLimits(arguments)
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

    private static func auditLimits(_ arguments: Arguments) throws -> AuditLimits {
        var limits = AuditLimits()
        if let reserve = try arguments.number("audit-reserve", 0...1_048_576) {
            limits.reserve = UInt64(reserve) << 20
        }
        return limits
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
               parleyd reload PROCESS      make a server reload its files
        PROTOCOL: hello (port 8080), greeting (5000), command (12345), chat (5000)
          --commands FILE       table of the commands that clients may run
          --program-user, --network-user NAME  when started by root (parley, parley-net)
          --audit FILE          write a JSON line per event; - is standard error
          --audit-fsync         start no program before its record is on disk
          --audit-rate KIB, --audit-reserve MIB  limit its growth (32, 64)
          --host ADDRESS        default 127.0.0.1; 0.0.0.0 for hello and greeting;
                                :: accepts IPv6 and IPv4
          --port N              0 lets the kernel choose
          --threads N           event loops; default one per core
          --once, --quiet       end after one session; print no console lines
          --plaintext           no encryption, for the tutorials' Python programs
          --certs DIR           has server.pem and server.key; default /etc/parley
          --cert, --key FILE    use this certificate, this key instead
          --client-ca FILE      require client certificates from these CAs
          --crl FILE            refuse revoked client certificates
          --tls-min 1.2         allow TLS 1.2 as well
          --keylog FILE         write session secrets, for debugging
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
