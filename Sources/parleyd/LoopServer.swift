// One loop's share of the server: it accepts, runs its sessions, and logs how they end.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Console
internal import Glibc
internal import Sessions
internal import Sockets
internal import Synchronization
internal import TLS

/// Confined to its loop, but for the calls that say otherwise.
final class LoopServer: @unchecked Sendable {
    let loop: EventLoop
    private unowned let server: Server
    let log: Log
    private let transcript: ConsoleTranscript
    /// What is in force.
    private(set) var policy: Policy
    private var acceptors: [Acceptor] = []
    private var sessions: [Int: Task<Void, Never>] = [:]
    private var lastSession = 0
    /// Those of them that are remote sessions.
    private var remoteSessions: [Int: CommandDesk] = [:]
    /// The most sessions that were open, and those that ended, since memory was given back last.
    private var mostSessions = 0
    private var sessionsEnded = 0
    private var memoryTimer: Timer?
    /// With `--once`: the one session is under way.
    private var hasSession = false
    private let operatorTurn: Turnstile
    /// Sessions that are open in this loop; read by other loops.
    let openHere = Atomic<Int>(0)
    /// Whether accepting waits for a descriptor; read by other loops.
    private let isPaused = Atomic<Bool>(false)

    var options: ServerOptions { server.options }
    var slots: ProgramSlots { server.slots }
    /// Nothing is started any more.
    var isShuttingDown: Bool { server.isShuttingDown }

    init(
        _ server: Server, loop: EventLoop, log: Log, transcript: ConsoleTranscript, policy: Policy
    ) {
        self.server = server
        self.loop = loop
        self.log = log
        self.transcript = transcript
        self.policy = policy
        operatorTurn = Turnstile(loop: loop)
    }

    /// Starts to accept. Before the loop runs.
    func accept(from listeners: [Listener]) throws(StreamError) {
        for listener in listeners {
            acceptors.append(
                try Acceptor(listener, loop: loop) { [unowned self] isExhausted in
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
        for desk in remoteSessions.values { desk.recordKill() }
    }

    /// From any thread: ends the remote sessions, of which none runs anything.
    func endRemoteSessions() {
        loop.execute { for number in self.remoteSessions.keys { self.sessions[number]?.cancel() } }
    }

    /// From any thread.
    func use(_ policy: Policy) {
        loop.execute { self.policy = policy }
    }

    /// A program is about to start.
    func programStarts() { server.programStarts() }

    /// A program's pipes and pidfd are closed, and its client was told.
    func programEnded() { server.programEnded() }

    /// From any thread: a session has closed its descriptor.
    func descriptorFreed() {
        guard isPaused.load(ordering: .relaxed) else { return }
        loop.execute { for acceptor in self.acceptors { acceptor.descriptorFreed() } }
    }

    /// Takes a connection, or gives it to a loop that has clearly fewer: epoll wakes the loop that
    /// began to wait last, which among idle loops is always the same one.
    private func accepted(_ descriptor: consuming Descriptor, from peer: SocketAddress) {
        guard server.open.add(1, ordering: .relaxed).oldValue < options.mostSessions else {
            server.open.subtract(1, ordering: .relaxed)
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
            server.ended()
            return log.write("\(peer): refused: \(error)")
        }
        openHere.add(1, ordering: .relaxed)
        lastSession += 1
        let number = lastSession
        sessions[number] = loop.spawn { [self] in
            var session = Session(
                socket, number: server.nextSession, place: number, openedAt: loop.now)
            await session.run(on: self)
            sessions[number] = nil
            openHere.subtract(1, ordering: .relaxed)
            giveMemoryBack()
            server.ended()
        }
    }

    /// One connection, from accept to close.
    private struct Session {
        let channel: Channel
        /// Of all loops, in the audit trail.
        let number: Int
        /// Among its loop's.
        let place: Int
        let openedAt: UInt64
        private var tls: TLSStream?

        init(_ socket: Socket, number: Int, place: Int, openedAt: UInt64) {
            channel = socket
            self.number = number
            self.place = place
            self.openedAt = openedAt
        }

        mutating func run(on worker: LoopServer) async {
            let stream: any ByteStream
            do throws(StreamError) {
                if let context = worker.policy.context {
                    let tls = try TLSStream(server: context, over: channel)
                    self.tls = tls
                    stream = tls
                    do throws(StreamError) {
                        try await tls.handshake()
                    } catch {
                        worker.log.write("\(name): refused: \(error)")
                        if let trail = trail(of: worker).audited {
                            var record = trail.record("handshake-failure")
                            record.add("code", error.code.rawValue)
                            record.add("reason", error.description)
                            trail.write(record)
                        }
                        // A silent or vanished peer takes no alert.
                        if error.code != .handshakeTimedOut, error.code != .reset {
                            await tls.close()
                        }
                        return
                    }
                } else {
                    channel.enter(.idle)
                    stream = PlainStream(channel)
                }
            } catch {
                return worker.log.write("\(name): refused: \(error)")
            }
            guard worker.takeSession() else {
                worker.log.write("\(name): refused: the one session of --once is under way")
                await stream.close()
                return
            }
            let ending: String
            var failure: StreamError?
            let trail = trail(of: worker)
            if let trail = trail.audited {
                var record = trail.record("session-start")
                record.add(
                    "protocol", tls?.applicationProtocol ?? worker.options.conversation.rawValue)
                trail.write(record)
            }
            do throws(StreamError) {
                let answered = try await serve(stream, worker, trail)
                ending = "session ended after \(answered)"
            } catch {
                failure = error
                ending = "session failed: \(error)"
                if error.code == .operatorLeft { worker.server.end() }
            }
            if let trail = trail.audited {
                var record = trail.record("session-end")
                record.add("reason", failure?.description ?? ending)
                record.add("bytes_in", channel.received)
                record.add("bytes_out", channel.sent)
                record.add("seconds", nanoseconds: channel.loop.now - openedAt)
                trail.write(record)
            }
            await stream.close()
            let isMixedUp =
                tls == nil && channel.speaksTLS && failure?.code != .peerSpeaksTLS
            let suspicion = isMixedUp ? "; the client spoke TLS to this plaintext port" : ""
            worker.log.write("\(name): \(ending), \(duration)\(suspicion)")
            if worker.options.isOnce { worker.server.endAtOnce() }
        }

        /// - Returns: what was answered, in words.
        private func serve(
            _ stream: any ByteStream, _ worker: LoopServer, _ trail: SessionTrail
        ) async throws(StreamError) -> String {
            if let tls, let identity = tls.peerIdentity, tls.applicationProtocol == remoteProtocol {
                let desk = CommandDesk(tls, identity, worker: worker, trail: trail)
                let remote = RemoteServer(tls, host: desk)
                worker.remoteSessions[place] = desk
                defer { worker.remoteSessions[place] = nil }
                try await remote.serve()
                return "\(remote.answered) \(remote.answered == 1 ? "command" : "commands")"
            }
            let messages = try await worker.serve(stream, trail)
            return "\(messages) \(messages == 1 ? "message" : "messages")"
        }

        private func trail(of worker: LoopServer) -> SessionTrail {
            SessionTrail(
                worker.server.audit, log: worker.log, number: number,
                address: channel.peer?.description ?? "", identity: tls?.peerIdentity)
        }

        /// The peer's address and, as far as there is one, its identity and cipher.
        private var name: String {
            var name = channel.peer?.description ?? "?"
            guard let tls else { return name }
            if let identity = tls.peerName { name += " " + identity }
            if tls.isEstablished { name += " \(tls.version) \(tls.cipher)" }
            return name
        }

        private var duration: String {
            let milliseconds = (channel.loop.now - openedAt) / 1_000_000
            let fraction = String(milliseconds % 1_000)
            return
                "\(milliseconds / 1_000).\(String(repeating: "0", count: 3 - fraction.count))\(fraction) s"
        }
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

    /// With `--once`, whether this is the one session.
    private func takeSession() -> Bool {
        guard options.isOnce else { return true }
        if hasSession { return false }
        hasSession = true
        acceptors.removeAll()
        return true
    }

    private func serve(
        _ stream: any ByteStream, _ trail: SessionTrail
    ) async throws(StreamError) -> Int {
        let lines = options.isQuiet ? nil : transcript
        switch options.conversation {
        case .hello: return try await Hello.serve(stream, transcript: lines)
        case .greeting: return try await Greeting.serve(stream, transcript: lines)
        case .command:
            return try await Command.serve(
                stream, replies: policy.replies, transcript: lines,
                answered: trail.audited.map { trail in { trail.noteMessage($0, isKnown: $1) } })
        case .chat:
            // Who waits for the operator is not idle by its own doing.
            stream.channel.clearDue()
            try await operatorTurn.enter(while: stream)
            defer { operatorTurn.leave() }
            stream.channel.enter(.idle)
            return try await Chat.serve(stream, transcript: transcript)
        }
    }
}
