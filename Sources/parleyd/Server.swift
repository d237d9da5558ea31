// The server: its listeners, its loops, its signals and its end.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Commands
internal import Console
internal import Conversations
internal import Glibc
internal import Programs
internal import Records
internal import Sockets
internal import Synchronization
internal import TLS

/// Runs one protocol's server, from the first bind to the last session. What is shared by its
/// loops is constant, or an atomic that no byte passes.
final class Server: @unchecked Sendable {
    static let signals = [SIGTERM, SIGINT, SIGHUP, SIGCHLD]

    let options: ServerOptions
    let census = Census()
    private let main: EventLoop
    private let log: Log
    private var workers: [LoopServer] = []
    /// Used on the main loop.
    private var life = Life.serving
    private var lifeTimer: Timer?
    /// Nil where no records are kept.
    let audit: AuditFile?
    /// The trail goes where console lines would go, among which a reader could not tell its records.
    /// Used on the main loop.
    private var hidesConsole: Bool
    let slots = ProgramSlots()
    /// Whom programs run as.
    let account = UserAccount.current()
    private var policy: Policy
    private let reload: Reload
    private var warningTimer: Timer?

    init(_ options: ServerOptions) throws {
        var options = options
        try options.security?.openKeyLog()
        self.options = options
        policy = try Policy(options)
        // What reading a long CRL took.
        malloc_trim(0)
        audit = try options.audit.map { try AuditFile($0, syncs: options.syncsAudit) }
        hidesConsole = audit?.sharesStandardOutput ?? false
        main = try EventLoop()
        log = Log(program: "parleyd", loop: main)
        reload = Reload(options, audit: audit, main: main, log: log)
    }

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
        let loops = min(options.threads, max(1, Int(parley_raise_descriptor_limit()) / 16))
        if loops < options.threads {
            log.write(
                "\(loops) event loops instead of \(options.threads): the descriptor limit (ulimit -n) leaves no room for more"
            )
        }
        reload.holdBack(loops: loops)
        let signals = try Signals(Self.signals, loop: main) { [unowned self] in received($0) }
        // Those that this process was started with, and that have ended before it listened.
        Program.reapOrphans()
        workers.append(
            LoopServer(self, loop: main, log: log, transcript: transcript, policy: policy))
        for _ in 1..<loops {
            let loop = try EventLoop()
            let log = Log(program: "parleyd", loop: loop)
            let transcript = self.transcript(Output(.output, loop: loop), log)
            workers.append(
                LoopServer(self, loop: loop, log: log, transcript: transcript, policy: policy))
        }
        for worker in workers { try worker.accept(from: listeners) }
        for worker in workers.dropFirst() { try worker.loop.start() }
        if hidesConsole, !options.isQuiet { log.write(hiddenConsole) }
        for warning in startWarnings(options, policy.table) { log.write(warning) }
        warnOfEnds()
        let security = options.security?.minimum.description ?? "plaintext"
        for listener in listeners { log.write("listening on \(listener.address) (\(security))") }
        // They belong to the loops from here on, which let them go when the server ends.
        listeners = []
        log.flush()
        main.run()
        // Each worker's last turn writes its last lines; only then may the process end.
        for worker in workers.dropFirst() { worker.loop.stop() }
        for worker in workers.dropFirst() { worker.loop.join() }
        // After a second signal nobody waits for them. First, so that a trail that takes its time holds
        // nothing up.
        Program.killAll()
        for worker in workers { worker.recordKills() }
        output.flush()
        log.flush()
        _ = signals
        // A thread still reads, which `exit` would take OpenSSL away from.
        if reload.isUnderWay { _exit(life.status) }
        return life.status
    }

    /// The loop with the fewest sessions. From any thread.
    var leastLoaded: LoopServer {
        var least = workers[0]
        for worker in workers.dropFirst()
        where worker.openHere.load(ordering: .relaxed) < least.openHere.load(ordering: .relaxed) {
            least = worker
        }
        return least
    }

    /// Something has happened to the server. From any thread.
    func meet(_ event: Life.Event) {
        main.execute { [self] in
            // First, so that nobody who leaves meanwhile is missed.
            if event.ends { census.beginEnding { [self] in departed($0) } }
            let patience = Life.Patience(
                drain: UInt64(options.drain * 1e9), grace: UInt64(longestGrace * 1e9))
            for order in life.meet(event, at: main.now, census.counts, patience) { obey(order) }
            lifeTimer = life.due.map { due in
                let wait = Double(due - min(due, main.now)) / 1e9
                return Timer(after: wait, on: main) { [unowned self] in meet(.time) }
            }
        }
    }

    private func departed(_ departure: Census.Departure) {
        switch departure {
        case .session: meet(.sessionEnded)
        case .program: meet(.programEnded)
        }
    }

    private func obey(_ order: Life.Order) {
        switch order {
        case .stopAccepting: for worker in workers { worker.stopAccepting() }
        case .endMessageSessions: for worker in workers { worker.endIdleSessions() }
        case .endRemoteSessions: for worker in workers { worker.endRemoteSessions() }
        case .cancelSessions: for worker in workers { worker.cancelSessions() }
        case .stop: main.stop()
        }
    }

    /// From any thread.
    func descriptorsFreed() {
        reload.descriptorsFreed()
        for worker in workers { worker.descriptorFreed() }
    }

    /// Files are being read, for which the descriptors are that are free now. From any thread.
    var isReading: Bool { reload.readsFiles }

    /// The only free descriptors are those for the files that are being read. From any thread.
    var hasDescriptorsForFilesOnly: Bool {
        isReading && workers.contains { $0.isPaused.load(ordering: .relaxed) }
    }

    /// Of all programs that may run, as far as the table that is in force says.
    private var longestGrace: Double {
        policy.table.entries.reduce(options.grace) { longest, entry in
            guard case .program(let program) = entry.action else { return longest }
            return max(longest, program.grace ?? 0)
        }
    }

    /// A loop's console. That it can't be written is told once for each loop, and ends nothing.
    private func transcript(_ output: Output, _ log: Log) -> ConsoleTranscript {
        output.failed = { reason in
            let why = systemMessage(reason)
            log.write("standard output cannot be written (\(why)): console lines are lost")
        }
        let input = options.conversation == .chat ? LineReader(loop: main) : nil
        // In plaintext without a trail they are the documents' lines, byte for byte.
        let transcript = ConsoleTranscript(
            output: output, input: input, log: log, isQuiet: options.isQuiet,
            meetsRecords: options.security != nil || audit != nil)
        transcript.isHidden = hidesConsole
        return transcript
    }

    /// The trail may be in another file now, which is standard output's or is not any more.
    private func decideOnConsole() {
        let hides = audit?.sharesStandardOutput ?? false
        guard hides != hidesConsole else { return }
        hidesConsole = hides
        for worker in workers { worker.loop.execute { worker.transcript.isHidden = hides } }
        if hides, !options.isQuiet { log.write(hiddenConsole) }
    }

    private func received(_ signal: Int32) {
        switch signal {
        case SIGHUP: readAgain()
        case SIGCHLD: Program.reapOrphans()
        default: meet(.signal(signal))
        }
    }

    private func readAgain() {
        reload.begin { [unowned self] in
            for worker in workers { worker.acceptAgain() }
        } use: { [unowned self] table, context in
            guard table != nil || context != nil else { return }
            policy = Policy(after: policy, table: table, context: context)
            for worker in workers { worker.use(policy) }
        } done: { [unowned self] in
            warnOfEnds()
        }
        decideOnConsole()
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
    private static let day = 86_400.0
}
