// The server: its listeners, its loops, its signals and its end.
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

/// Runs one protocol's server, from the first bind to the last session. Confined to the main loop.
final class Server {
    static let signals = [SIGTERM, SIGINT, SIGHUP, SIGCHLD]

    private let commons: Commons
    private let main: EventLoop
    private let log: Log
    private var loops: [LoopBound<SessionLoop>] = []
    private let office: Office
    /// The office's ends of the loops' ways to it.
    private var links: [NetworkLink] = []
    private let work: TurnWork
    /// Those who sign and verify for the loops.
    private var notaries: [NotaryThread] = []
    private var life = Life.serving
    private var lifeTimer: Timer?
    /// The trail goes where console lines would go, among which a reader could not tell its records.
    private var hidesConsole: Bool
    private let reload: Reload
    private var warningTimer: Timer?
    /// Of the table in force, as the log has them.
    private var programWarnings: [String] = []

    init(_ options: ServerOptions) throws {
        var options = options
        try options.security?.openKeyLog()
        let policy = try Policy(options)
        // What reading a long CRL took.
        malloc_trim(0)
        let audit = try options.audit.map { try AuditFile($0, syncs: options.syncsAudit) }
        commons = Commons(options: options, audit: audit)
        hidesConsole = audit?.sharesStandardOutput ?? false
        main = try EventLoop()
        work = TurnWork(on: main)
        log = Log(program: "parleyd", loop: main)
        office = try Office(commons, loop: main, log: log, policy: policy)
        reload = Reload(commons, main: main, log: log)
    }

    private var policy: Policy { office.policy }

    private var options: ServerOptions { commons.options }

    /// Serves until a signal or, with `--once`, the end of the session.
    ///
    /// - Returns: the exit status.
    func run() throws -> Int32 {
        let output = Output(.output, loop: main)
        let transcript = self.transcript(output, log)
        for line in options.conversation.linesBeforeBind { transcript.print(line) }
        var listeners: [Listener]
        do throws(StreamError) {
            listeners = try options.endpoint.listeners(backlog: Self.backlog)
        } catch {
            for line in options.conversation.linesAfterFailedBind { transcript.print(line) }
            output.flush()
            throw error
        }
        let port = listeners[0].address.port
        for line in options.conversation.linesAfterListen(port: port) { transcript.print(line) }
        output.flush()

        // Each session holds a descriptor: the limit that counts is the hard one.
        let count = min(options.threads, max(1, Int(parley_raise_descriptor_limit()) / 16))
        if count < options.threads {
            log.write(
                "\(count) event loops instead of \(options.threads): the descriptor limit (ulimit -n) leaves no room for more"
            )
        }
        reload.holdBack(loops: count)
        let signals = try Signals(Self.signals, loop: main) { [unowned self] in received($0) }
        // Those that this process was started with, and that have ended before it listened.
        Program.reapOrphans()
        loops.append(try sessionLoop(on: main, log, transcript))
        for _ in 1..<count {
            let loop = try EventLoop()
            let log = Log(program: "parleyd", loop: loop)
            let transcript = self.transcript(Output(.output, loop: loop), log)
            loops.append(try sessionLoop(on: loop, log, transcript))
        }
        for loop in loops { try loop.value.accept(from: listeners, loops) }
        for loop in loops.dropFirst() { try loop.loop.start() }
        if hidesConsole, !options.isQuiet { log.write(hiddenConsole) }
        for warning in startWarnings(options, policy.table) { log.write(warning) }
        programWarnings = warnings(ofProgramsIn: policy.table)
        warnOfEnds()
        let security = options.security?.minimum.description ?? "plaintext"
        for listener in listeners { log.write("listening on \(listener.address) (\(security))") }
        // They belong to the loops from here on, which let them go when the server ends.
        listeners = []
        log.flush()
        main.run()
        // Each loop's last turn writes its last lines; only then may the process end.
        for loop in loops.dropFirst() { loop.loop.stop() }
        for loop in loops.dropFirst() { loop.loop.join() }
        for notary in notaries { notary.stop() }
        // After a second signal nobody waits for them. First, so that a trail that takes its time holds
        // nothing up.
        Program.killAll()
        office.recordKills()
        output.flush()
        log.flush()
        _ = signals
        // A thread still reads, which `exit` would take OpenSSL away from.
        if reload.isUnderWay { _exit(life.status) }
        return life.status
    }

    private func sessionLoop(
        on loop: EventLoop, _ log: Log, _ transcript: ConsoleTranscript
    ) throws -> LoopBound<SessionLoop> {
        let clients = ShownClients(most: options.mostSessions)
        var ends = try PacketPair()
        links.append(
            try NetworkLink(
                ends.takeOne(), loop: main, mostSessions: options.mostSessions, work: work,
                office: Reception(office, clients),
                ended: Self.endAtOnce))
        let broker = try BrokerLink(ends.takeOther(), loop: loop, ended: Self.endAtOnce)
        let house = try House(
            commons, loop: loop, console: transcript, log: log, policy: policy, broker: broker,
            notary: try notary(for: loop, clients))
        return LoopBound(SessionLoop(commons, house, endsServer: tell), to: loop)
    }

    /// Starts a thread that signs for a loop's sessions, and finds out who their clients are.
    private func notary(
        for loop: EventLoop, _ clients: ShownClients
    ) throws -> NotaryLink? {
        guard let ring = office.ring else { return nil }
        var ends = try PacketPair()
        notaries.append(
            try NotaryThread(
                ends.takeOne(), ring, clients, mostHandshakes: options.mostSessions,
                failed: { Self.endAtOnce(.failed($0)) }))
        let channel = try CallChannel(owning: ends.takeOther(), time: Self.patience)
        return NotaryLink(channel, loop: loop) { Self.endAtOnce(.failed($0)) }
    }

    /// Nobody can decide or record any more, so that nothing may go on. What runs is killed by its keepers.
    private static func endAtOnce(_ end: PostEnd) {
        Log.end("parleyd", "its parts can't talk to each other any more: \(end.reason)", status: 70)
    }

    // MARK: Its life

    /// Tells the server, from any thread, what has happened to it.
    private var tell: @Sendable (Life.Event) -> Void {
        let meet = LoopBound({ [unowned self] in self.meet($0) }, to: main)
        return { event in meet.execute { $0(event) } }
    }

    /// Something has happened to the server.
    private func meet(_ event: Life.Event) {
        // First, so that nobody who leaves meanwhile is missed.
        if event.ends {
            commons.census.beginEnding { [tell] departure in
                switch departure {
                case .session: tell(.sessionEnded)
                case .program: tell(.programEnded)
                }
            }
        }
        let patience = Life.Patience(drain: options.drain, grace: longestGrace)
        let counts = commons.census.counts
        for order in life.meet(event, at: main.now, counts, patience) { obey(order) }
        lifeTimer = life.due.map { due in
            Timer(after: due - main.now, on: main) { [unowned self] in self.meet(.time) }
        }
    }

    private func obey(_ order: Life.Order) {
        switch order {
        case .stopAccepting: everywhere { $0.stopAccepting() }
        case .endMessageSessions: everywhere { $0.endSessions(areRemote: false) }
        case .endRemoteSessions: everywhere { $0.endSessions(areRemote: true) }
        case .cancelSessions: everywhere { $0.cancelSessions() }
        case .stop: main.stop()
        }
    }

    private func everywhere(_ call: @escaping @Sendable (SessionLoop) -> Void) {
        for loop in loops { loop.execute(call) }
    }

    /// Of all programs that may run, as far as the table that is in force says.
    private var longestGrace: Duration {
        policy.table.entries.reduce(options.grace) { longest, entry in
            guard case .program(let program) = entry.action else { return longest }
            return max(longest, program.grace ?? .zero)
        }
    }

    // MARK: Its console

    /// A loop's console. That it can't be written is told once for each loop, and ends nothing.
    private func transcript(_ output: Output, _ log: Log) -> ConsoleTranscript {
        output.failed = { reason in
            let why = Errno(reason)
            log.write("standard output cannot be written (\(why)): console lines are lost")
        }
        let input = options.conversation == .chat ? LineReader(loop: main) : nil
        // In plaintext without a trail they are the documents' lines, byte for byte.
        let transcript = ConsoleTranscript(
            output: output, input: input, log: log, isQuiet: options.isQuiet,
            meetsRecords: options.security != nil || commons.audit != nil)
        transcript.isHidden = hidesConsole
        return transcript
    }

    /// The trail may be in another file now, which is standard output's or is not any more.
    private func decideOnConsole() {
        let hides = commons.audit?.sharesStandardOutput ?? false
        guard hides != hidesConsole else { return }
        hidesConsole = hides
        everywhere { $0.hideConsole(hides) }
        if hides, !options.isQuiet { log.write(hiddenConsole) }
    }

    // MARK: Its signals

    private func received(_ signal: Int32) {
        switch signal {
        case SIGHUP: readAgain()
        case SIGCHLD: Program.reapOrphans()
        default: meet(.signal(signal))
        }
    }

    private func readAgain() {
        reload.begin { [unowned self] table, context in
            guard table != nil || context != nil else { return }
            let policy = Policy(after: policy, table: table, context: context)
            do throws(ProofRefusal) {
                try office.enforce(policy)
            } catch {
                return log.write("SIGHUP: the old files are still in force: \(error.description)")
            }
            everywhere { $0.use(policy) }
        } done: { [unowned self] in
            warnOfPrograms()
            warnOfEnds()
        }
        decideOnConsole()
    }

    /// Says what follows from whom programs run as, where another table has changed it.
    private func warnOfPrograms() {
        let warnings = warnings(ofProgramsIn: policy.table)
        for warning in warnings where !programWarnings.contains(warning) { log.write(warning) }
        programWarnings = warnings
    }

    /// Says what is wrong with the files in force and what ends soon, now and once a day.
    private func warnOfEnds() {
        guard let context = policy.context else { return }
        for warning in context.warnings { log.write(warning) }
        for warning in context.expiries.compactMap({ $0.warning() }) { log.write(warning) }
        warningTimer = Timer(after: Self.day, on: main) { [unowned self] in warnOfEnds() }
    }

    /// The documents' one to five are for one client at a time; a burst would wait a second for
    /// the connections that were dropped.
    private static let backlog = 4_096
    private static let day = Duration.seconds(86_400)
    /// What a signature may take, on whatever machine.
    private static let patience = Duration.seconds(30)
}
