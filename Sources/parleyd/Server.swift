// The server: its listeners, its network process, its signals and its shutdown.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import CLinux
internal import Commands
internal import Console
internal import Conversations
internal import Glibc
internal import Programs
internal import Records
internal import Sockets
internal import System
internal import TLS
internal import Vouching

/// Runs one protocol's server, from the first bind to the last session: the broker, which reads files, decides, records
/// and starts programs. What strangers send goes to the network process. Confined to the main loop.
final class Server {
    /// Every program's end sends SIGCHLD, which would wake a server for nothing that knows all of its children.
    static let signals = [SIGTERM, SIGINT, SIGHUP] + (Program.mayInheritChildren ? [SIGCHLD] : [])

    private let options: ServerOptions
    private let main: EventLoop
    private let log: Log
    private let output: Output
    private let office: Office
    private let network: NetworkSide
    private var life = Life.serving
    private var lifeTimer: Timer?
    /// The trail goes where console lines would go, and a reader could not tell its records from
    /// them.
    private var hidesConsole: Bool
    private let reload: Reload
    private let notice: ServiceNotice
    /// Nil if there is none.
    private let metrics: MetricsReport?
    /// Nil unless commands can do without keepers.
    private var warden: Warden?
    private var warningTimer: Timer?
    /// Those of the table in force, as they were logged.
    private var programWarnings: [String] = []

    init(_ options: ServerOptions) throws {
        var options = options
        options.prepareGroups()
        try options.security?.openKeyLog()
        let policy = try Policy(options)
        // Returns what reading a long CRL took.
        malloc_trim(0)
        main = try EventLoop()
        log = Log(program: "parleyd", loop: main)
        let news = LoopBound(log, to: main)
        let turn = LineTurn()
        log.output.turn = turn
        let audit = try options.audit.map {
            try AuditFile($0.places, turn, syncs: $0.syncs, limits: $0.limits) { item, place in
                news.execute { $0.write(item, of: place) }
            }
        }
        self.options = options
        hidesConsole = audit?.sharesStandardOutput ?? false
        // Each session holds a descriptor in the network process: the hard limit is the one that counts.
        let limit = Int(parley_raise_descriptor_limit())
        let affordable = (limit - Self.ownDescriptors) / Self.loopDescriptors
        let loops = min(options.threads, max(1, affordable))
        output = Output(.output, loop: main)
        office = try Office(
            options, audit, loop: main, log: log, policy: policy, loops: loops)
        reload = Reload(
            office, main: main, log: log, folder: ServiceNotice.folder(ServiceNotice.environment))
        notice = ServiceNotice(on: main)
        metrics = MetricsReport(office)
        network = NetworkSide(office, loops: loops, console: output)
        network.hidesConsole = hidesConsole
    }

    private var policy: Policy { office.policy }

    /// Serves until a signal or, with `--once`, the end of the session.
    ///
    /// - Returns: the exit status.
    func run() throws -> Int32 {
        let user = try NetworkUser(options)
        output.failed = { [log] reason in
            log.write(
                "standard output cannot be written (\(Errno(reason))): console lines are lost")
        }
        // In plaintext without a trail these are the tutorials' lines, byte for byte.
        let form = ConsoleTranscript.Form(
            of: output, meetsRecords: options.security != nil || office.audit != nil)
        let transcript = ConsoleTranscript(
            output: output, input: nil, log: log, isQuiet: options.isQuiet, form: form)
        transcript.isHidden = hidesConsole
        for line in options.conversation.linesBeforeBind { transcript.print(line) }
        var listeners: [Listener]
        do throws(StreamError) {
            let activated = ActivatedSockets(environment: ServiceNotice.environment)
            listeners =
                activated.isEmpty
                ? try options.endpoint.listeners(backlog: Self.backlog) : try activated.listeners()
        } catch {
            for line in options.conversation.linesAfterFailedBind { transcript.print(line) }
            output.flush()
            throw error
        }
        let port = listeners[0].address.port
        for line in options.conversation.linesAfterListen(port: port) { transcript.print(line) }
        output.flush()
        if network.loops < options.threads {
            log.write(
                "\(network.loops) event loops instead of \(options.threads): the descriptor limit (ulimit -n) leaves no room for more"
            )
        }
        reload.holdBack()
        let signals = try Signals(Self.signals, loop: main) { [unowned self] arrival in
            received(arrival)
        }
        // Children that this process inherited and that ended before it was listening.
        Program.reapOrphans()
        let addresses = listeners.map(\.address)
        try network.start(
            listeners, form, user,
            NetworkSide.Handlers(
                ready: { [unowned self] in isReady($0, user, addresses) },
                happened: { [unowned self] in
                    switch $0 {
                    case .operatorHasLeft: meet(.endIsAsked)
                    case .onceIsOver: meet(.onceIsOver)
                    }
                }, alive: { [notice] in notice.alive($0) }, over: { [main] in main.stop() }))
        // Others can have no programs of users who can't change control groups.
        if let groups = options.groups, geteuid() == 0 {
            warden = Warden(groups, loop: main) { [log] in log.write($0) }
        }
        // From here on they belong to the network process, which closes them when the server is
        // shutting down.
        listeners = []
        log.flush()
        main.run()
        let status = end()
        _ = signals
        // A thread is still reading, and `exit` would take OpenSSL away from it.
        if reload.isUnderWay { _exit(status) }
        return status
    }

    /// Nothing is decided any more.
    ///
    /// - Returns: the exit status.
    private func end() -> Int32 {
        // After a second signal nobody waits for them. First, so that a slow trail holds nothing up.
        Program.killAll()
        office.recordKills()
        options.groups?.removeSpares()
        options.groups?.tidy()
        warden?.end()
        let failure = network.end()
        output.flush()
        // A line that the log has begun holds up the trail if both go to standard error.
        if log.output.turn != nil { log.output.flush(within: .seconds(1)) }
        metrics?.end()
        let missing = office.endTrail()
        if missing > 0 {
            log.write(
                "\(missing == 1 ? "an audit record" : "\(missing) audit records") could not be written before the server ended"
            )
        }
        if let failure { log.write(failure) }
        log.flush()
        return failure == nil ? life.status : 70
    }

    /// The network process is accepting connections.
    private func isReady(_ post: ReadyPost, _ user: NetworkUser, _ addresses: [SocketAddress]) {
        for sentence in user.warnings + post.missing {
            log.write("the network process is less confined than it could be: \(sentence)")
        }
        if hidesConsole, !options.isQuiet { log.write(hiddenConsole) }
        for warning in startWarnings(options, policy.table) { log.write(warning) }
        programWarnings = warnings(ofProgramsIn: policy.table, options.groupSupport)
        warnOfEnds()
        let security = options.security?.minimum.description ?? "plaintext"
        for address in addresses { log.write("listening on \(address) (\(security))") }
        office.attendanceChanged = { [notice, unowned office] in
            notice.changed { office.attendance }
        }
        metrics?.write()
        notice.serves(on: addresses) { [network] in network.ask($0) }
    }

    // MARK: Its life

    /// Something has happened to the server.
    private func meet(_ event: Life.Event) {
        // First, so that nobody who leaves meanwhile is missed.
        if event.ends {
            if !office.isEnding { notice.ends(within: options.drain + longestGrace) }
            office.beginEnding { [unowned self] departure in
                switch departure {
                case .session: meet(.sessionEnded)
                case .program: meet(.programEnded)
                }
            }
        }
        let patience = Life.Patience(drain: options.drain, grace: longestGrace)
        for order in life.meet(event, at: main.now, office.counts, patience) { obey(order) }
        lifeTimer = life.due.map { due in
            Timer(after: due - main.now, on: main) { [unowned self] in self.meet(.time) }
        }
    }

    private func obey(_ order: Life.Order) {
        switch order {
        case .stopAccepting: network.obey(.stopAccepting)
        case .endMessageSessions: network.obey(.endMessageSessions)
        case .endRemoteSessions: network.obey(.endRemoteSessions)
        case .cancelSessions: network.obey(.cancelSessions)
        case .stop: network.stop()
        }
    }

    /// The longest grace time of all programs that may be running, as far as the table in force
    /// says.
    private var longestGrace: Duration {
        policy.table.entries.reduce(options.grace) { longest, entry in
            guard case .program(let program) = entry.action else { return longest }
            return max(longest, program.grace ?? .zero)
        }
    }

    // MARK: Its console

    /// The trail may be in another file now, which may or may not be the one standard output goes
    /// to.
    private func decideOnConsole() {
        let hides = office.audit?.sharesStandardOutput ?? false
        guard hides != hidesConsole else { return }
        hidesConsole = hides
        network.hidesConsole = hides
        if hides, !options.isQuiet { log.write(hiddenConsole) }
    }

    // MARK: Its signals

    private func received(_ arrival: Signals.Arrival) {
        switch arrival.signal {
        case SIGHUP: readAgain(for: arrival.sender)
        case SIGCHLD: Program.reapOrphans(sparing: network.pid)
        default: meet(.signal(arrival.signal))
        }
    }

    private func readAgain(for caller: Int32) {
        notice.reloads()
        reload.begin(for: caller) { [unowned self] table, context, inForce in
            guard table != nil || context != nil else { return inForce(nil) }
            let policy = Policy(after: policy, table: table, context: context)
            do throws(ProofRefusal) {
                try office.enforce(policy)
            } catch {
                return inForce(error)
            }
            network.use(NetworkPolicy(policy)) { [reload] in
                reload.fail($0)
            } done: {
                inForce(nil)
            }
        } done: { [unowned self] in
            warnOfPrograms()
            warnOfEnds()
            metrics?.write()
            if !reload.isUnderWay { notice.hasReloaded() }
        }
        decideOnConsole()
    }

    /// Warns about the users that programs run as, if another table has changed that.
    private func warnOfPrograms() {
        let warnings = warnings(ofProgramsIn: policy.table, options.groupSupport)
        for warning in warnings where !programWarnings.contains(warning) { log.write(warning) }
        programWarnings = warnings
    }

    /// Reports what is wrong with the files in force and what expires soon, now and once a day.
    private func warnOfEnds() {
        guard let context = policy.context else { return }
        for warning in context.warnings { log.write(warning) }
        for warning in context.expiries.compactMap({ $0.warning() }) { log.write(warning) }
        warningTimer = Timer(after: Self.day, on: main) { [unowned self] in warnOfEnds() }
    }

    /// The tutorials' backlogs of one to five are for one client at a time; with those, a burst
    /// would wait a second for the connections that were dropped.
    private static let backlog = 4_096
    /// The descriptors that each of the two processes needs to start, whichever needs more, and those it should
    /// have for each loop, including its sessions.
    private static let (ownDescriptors, loopDescriptors) = (32, 16)
    private static let day = Duration.seconds(86_400)
}
