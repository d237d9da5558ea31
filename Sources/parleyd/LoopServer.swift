// One loop's share of the server: it accepts, runs its sessions, and logs how they end.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Console
internal import Conversations
internal import Glibc
internal import Programs
internal import Records
internal import Serving
internal import Sockets
internal import Synchronization
internal import TLS

/// Confined to its loop, but for the calls that say otherwise.
final class LoopServer: @unchecked Sendable {
    let loop: EventLoop
    let options: ServerOptions
    private unowned let server: Server
    let log: Log
    let transcript: ConsoleTranscript
    /// What is in force.
    private(set) var policy: Policy
    /// The policy's fixed replies. Each loop has its own, since counting references to one that all
    /// share would have the cores take its cache lines from each other at every reply.
    private(set) var replies: FixedReplies
    private var acceptors: [Acceptor] = []
    private var sessions: [Int: Session] = [:]
    private var lastSession = 0
    /// The places of those of them that are remote sessions.
    private var remoteSessions: Set<Int> = []
    /// Programs whose end is not recorded yet.
    private var programs: [Int: AdmittedProgram] = [:]
    private var lastProgram = 0
    /// The most sessions that were open, and those that ended, since memory was given back last.
    private var mostSessions = 0
    private var sessionsEnded = 0
    private var memoryTimer: Timer?
    /// With `--once`: the one session is under way.
    private var hasSession = false
    /// Chat has one operator.
    let operatorTurn: Turnstile
    /// Sessions that are open in this loop; read by other loops.
    let openHere = Atomic<Int>(0)
    /// Whether accepting waits for a descriptor; read by other loops.
    let isPaused = Atomic<Bool>(false)

    var slots: ProgramSlots { server.slots }
    /// Whom programs run as.
    var account: UserAccount { server.account }
    /// Nothing is started any more.
    var isShuttingDown: Bool { server.census.isEnding }
    /// Nothing may be started until files were read.
    var hasDescriptorsForFilesOnly: Bool { server.hasDescriptorsForFilesOnly }

    init(
        _ server: Server, loop: EventLoop, log: Log, transcript: ConsoleTranscript, policy: Policy
    ) {
        self.server = server
        options = server.options
        self.loop = loop
        self.log = log
        self.transcript = transcript
        self.policy = policy
        replies = FixedReplies(policy.table)
        operatorTurn = Turnstile(loop: loop)
    }

    /// Starts to accept. Before the loop runs.
    func accept(from listeners: [Listener]) throws(StreamError) {
        for listener in listeners {
            acceptors.append(
                try Acceptor(
                    listener, loop: loop, mayTry: { [unowned self] in !server.isReading }
                ) { [unowned self] isExhausted in
                    isPaused.store(isExhausted, ordering: .relaxed)
                    log.write(
                        isExhausted
                            ? "no descriptor is free: new connections wait until one is; raise the limit (ulimit -n) or lower --max-sessions"
                            : "descriptors are free again: accepting goes on")
                } accepted: { [unowned self] descriptor, peer in
                    accepted(descriptor, from: peer)
                })
        }
    }

    /// From any thread. The listening socket closes when the last loop has let it go.
    func stopAccepting() {
        loop.execute { self.acceptors.removeAll() }
    }

    /// From any thread.
    func cancelSessions() {
        loop.execute { for session in self.sessions.values { session.cancel() } }
    }

    /// When the loop runs no more: records the ends of what was killed.
    func recordKills() {
        for program in programs.values { program.recordKill() }
    }

    /// From any thread: ends the remote sessions, of which none runs anything, where nothing is due
    /// to the client.
    func endRemoteSessions() {
        loop.execute {
            for number in self.remoteSessions { self.sessions[number]?.endRemoteIfNothingIsDue() }
        }
    }

    /// From any thread: ends the sessions of messages in which nothing is due to the client.
    func endIdleSessions() {
        loop.execute { for session in self.sessions.values { session.endIfNothingIsDue() } }
    }

    /// From any thread.
    func use(_ policy: Policy) {
        loop.execute {
            self.policy = policy
            self.replies = FixedReplies(policy.table)
        }
    }

    /// A number for a program of this loop's.
    var nextProgram: Int {
        lastProgram += 1
        return lastProgram
    }

    /// A program is about to start.
    func starts(_ program: AdmittedProgram) {
        programs[program.key] = program
        server.census.programStarts()
    }

    /// It is known how a program ended with all that it started, and its client was told.
    func ended(_ program: AdmittedProgram) {
        programs[program.key] = nil
        server.descriptorsFreed()
        server.census.programEnded()
    }

    /// A program's descriptors are about to be closed.
    func descriptorsFreed() { server.descriptorsFreed() }

    /// From any thread: a session has closed its descriptor.
    func descriptorFreed() {
        guard isPaused.load(ordering: .relaxed) else { return }
        acceptAgain()
    }

    /// From any thread: goes on accepting where that was interrupted.
    func acceptAgain() {
        loop.execute { for acceptor in self.acceptors { acceptor.goOn() } }
    }

    /// Takes a connection, or gives it to a loop that has clearly fewer: epoll wakes the loop that
    /// began to wait last, which among idle loops is always the same one.
    private func accepted(_ descriptor: consuming Descriptor, from peer: SocketAddress) {
        guard server.census.sessionComes(most: options.mostSessions) else {
            return log.write(
                "\(peer): refused: \(options.mostSessions) sessions are open, which is --max-sessions"
            )
        }
        let taker = server.leastLoaded
        let mine = openHere.load(ordering: .relaxed)
        guard taker !== self, taker.openHere.load(ordering: .relaxed) + 1 + mine / 8 < mine else {
            return begin(descriptor, from: peer)
        }
        let number = descriptor.release()
        taker.loop.execute { taker.begin(Descriptor(owning: number), from: peer) }
    }

    private func begin(_ descriptor: consuming Descriptor, from peer: SocketAddress) {
        let socket: Socket
        do throws(StreamError) {
            socket = try Socket(
                owning: descriptor, loop: loop, peer: peer, deadlines: options.deadlines)
        } catch {
            server.descriptorsFreed()
            server.census.sessionEnded()
            return log.write("\(peer): refused: \(error)")
        }
        openHere.add(1, ordering: .relaxed)
        lastSession += 1
        let number = lastSession
        let session = Session(socket, number: server.census.nextSession, place: number, worker: self)
        sessions[number] = session
        session.start()
    }

    // MARK: For its sessions

    /// A session is over; its connection closes with the last reference to it.
    func ended(at place: Int) {
        sessions[place] = nil
        openHere.subtract(1, ordering: .relaxed)
        giveMemoryBack()
        server.descriptorsFreed()
        server.census.sessionEnded()
    }

    /// What is recorded of a session; nil where no records are kept.
    func trail(number: Int, of channel: Channel, identity: PeerIdentity?) -> Recorder? {
        server.audit.map {
            Recorder(
                $0, session: number, address: channel.peer?.description ?? "",
                peer: identity.map { RecordedPeer($0) }, lost: { [log] in log.writeLoss($0) })
        }
    }

    /// Where console lines go; nil with `--quiet`.
    var lines: ConsoleTranscript? { options.isQuiet ? nil : transcript }

    /// A remote session begins.
    func openedDesk(at place: Int) { remoteSessions.insert(place) }

    func closedDesk(at place: Int) { remoteSessions.remove(place) }

    /// No session begins any more; those under way have their time.
    func drainServer() { server.meet(.endIsAsked) }

    /// The one session of `--once` is over.
    func endServer() { server.meet(.onceIsOver) }

    /// With `--once`, whether this is the one session.
    func takeSession() -> Bool {
        guard options.isOnce else { return true }
        if hasSession { return false }
        hasSession = true
        acceptors.removeAll()
        return true
    }

    /// A second after sessions have left, gives the pages that a crowd used back to the system:
    /// the allocator keeps freed memory that does not lie at its end.
    private func giveMemoryBack() {
        mostSessions = max(mostSessions, sessions.count + 1)
        sessionsEnded += 1
        guard memoryTimer == nil, sessionsEnded >= Self.crowd else { return }
        memoryTimer = Timer(after: 1, on: loop) { [unowned self] in
            memoryTimer = nil
            guard sessions.count <= mostSessions / 2 else { return }
            mostSessions = sessions.count
            sessionsEnded = 0
            malloc_trim(0)
        }
    }

    /// So many sessions leave something worth giving back.
    private static let crowd = 32
}
