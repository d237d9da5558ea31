// One loop's share of the server: it accepts sessions, runs them, and lets them go.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import CLinux
internal import Console
internal import Sockets
internal import Synchronization
internal import System

/// Confined to its loop. The server and the other loops have a `LoopBound` of it.
final class SessionLoop {
    let loop: EventLoop
    private let commons: Commons
    private let house: House
    /// Notified when a session's end ends the server.
    private let endsServer: @Sendable (HappenedPost.Event) -> Void
    /// The loops that a connection may be given to.
    private var others: [Neighbour] = []
    /// Its index among all of them.
    private let number: Int
    private var acceptors: [Acceptor] = []
    /// By number.
    private var sessions: [Int: Open] = [:]
    private lazy var memory = CrowdMemory(loop: loop) { [unowned self] in sessions.count }
    /// With `--once`: the one session is under way.
    private var hasSession = false
    private let load = Load()
    private var isEnding = false

    private struct Open {
        let session: Session
        /// Nil while the loop answers the session's messages by itself.
        var task: Task<Void, Never>?

        func cancel() {
            if let task { task.cancel() } else { session.cancel() }
        }
    }

    /// How many sessions are open in a loop. Safe on any thread.
    private final class Load: Sendable {
        private let sessions = Atomic<Int>(0)

        var count: Int { sessions.load(ordering: .relaxed) }
        func began() { sessions.add(1, ordering: .relaxed) }
        func ended() { sessions.subtract(1, ordering: .relaxed) }
    }

    /// Another loop, as far as this one may see it.
    private struct Neighbour {
        let number: Int
        let sessions: LoopBound<SessionLoop>
        let load: Load
    }

    init(
        _ number: Int, _ commons: Commons, _ house: House,
        endsServer: @escaping @Sendable (HappenedPost.Event) -> Void
    ) {
        self.number = number
        self.commons = commons
        self.house = house
        self.endsServer = endsServer
        loop = house.loop
    }

    // MARK: For the network process

    /// Learns which loops a connection may be given to. Before any of the loops runs.
    func meet(_ all: [LoopBound<SessionLoop>]) {
        others = all.filter { $0.value !== self }
            .map { Neighbour(number: $0.value.number, sessions: $0, load: $0.value.load) }
    }

    /// Starts accepting connections.
    func accept(from listeners: [Listener]) throws(StreamError) {
        let descriptors = commons.descriptors
        let bound = LoopBound(self, to: loop)
        descriptors.whenFree { bound.execute { $0.acceptAgain() } }
        for listener in listeners {
            acceptors.append(
                try Acceptor(
                    listener, loop: loop, canAccept: { [house] in house.mayAccept }
                ) { [unowned self] isExhausted in
                    descriptors.notePause(isExhausted)
                    house.log.write(
                        isExhausted
                            ? "no descriptor is free: new connections wait until one is; raise the limit (ulimit -n) or lower --max-sessions"
                            : "descriptors are free again: accepting connections")
                } lacking: {
                    descriptors.noteLack()
                } accepted: { [unowned self] descriptor, peer in
                    accepted(descriptor, from: peer)
                })
        }
    }

    /// The server is shutting down: the listening socket closes when the last loop has released it, and the broker
    /// is told who is left.
    func stopAccepting() {
        acceptors.removeAll()
        isEnding = true
        sayWhoIsLeft()
    }

    func use(_ policy: NetworkPolicy) { house.enforce(policy) }

    /// A turn that ends only if the signing side answers this loop, too.
    func showLife() { house.showLife() }

    /// Ends all sessions, as soon as they have told their peers.
    func cancelSessions() {
        for open in sessions.values { open.cancel() }
    }

    /// Ends the sessions of one kind that owe their client nothing.
    ///
    /// - Parameter areRemote: whether parley/1 sessions are meant, none of which may be running
    ///   anything then.
    func endSessions(areRemote: Bool) {
        for open in sessions.values
        where open.session.isRemote == areRemote && open.session.isNothingDue {
            open.cancel()
        }
    }

    // MARK: Accepting

    private func acceptAgain() {
        for acceptor in acceptors { acceptor.resume() }
    }

    /// Takes a connection, or gives it to a loop that clearly has fewer: epoll wakes the loop that
    /// began to wait last, which among idle loops is always the same one.
    private func accepted(_ descriptor: consuming Descriptor, from peer: SocketAddress) {
        let mine = load.count
        let other = others.min { $0.load.count < $1.load.count }
        let taker = other.flatMap { $0.load.count + 1 + mine / 8 < mine ? $0 : nil }
        let admission: Admission?
        switch house.door.arrival(peer, for: taker?.number ?? number) {
        case .refused: return
        case .uncounted: admission = nil
        case .welcome(let welcome, insteadOf: let loser):
            admission = welcome
            if let loser { giveWay(loser.number, at: loser.loop) }
        }
        guard let taker else { return begin(descriptor, from: peer, admission) }
        let raw = descriptor.release()
        taker.sessions.execute { $0.begin(Descriptor(owning: raw), from: peer, admission) }
    }

    /// Ends a connection that has lost its place at the door, wherever it is.
    private func giveWay(_ session: Int, at loop: Int) {
        guard loop != number else { return giveWay(session) }
        others.first { $0.number == loop }?.sessions.execute { $0.giveWay(session) }
    }

    /// One that isn't here is on its way and finds out when it begins, or it is over.
    private func giveWay(_ session: Int) { sessions[session]?.session.giveWay() }

    private func begin(
        _ descriptor: consuming Descriptor, from peer: SocketAddress, _ admission: Admission?
    ) {
        let session: Session
        let place = admission?.number ?? commons.census.nextSession
        let visit = admission.map { house.door.take($0) }
        do throws(StreamError) {
            let socket = try Socket(
                owning: descriptor, loop: loop, peer: peer, deadlines: commons.settings.deadlines,
                isAccepted: true)
            session = Session(socket, number: place, visit, in: house)
        } catch {
            house.log.write("\(peer): refused: \(error.told)")
            if let visit { house.door.leave(visit) }
            return left()
        }
        load.began()
        sessions[place] = Open(session: session, task: run(at: place))
        // It may have made way while it was on its way here.
        if let visit, !house.door.holds(visit) { session.giveWay() }
        sayWhoIsLeft()
    }

    /// Reports the strangers that were counted, for all loops: nobody comes any more.
    func tellStrangers() { house.door.tell(isEnd: true) }

    // MARK: Its sessions

    private func run(at place: Int) -> Task<Void, Never> {
        let bound = LoopBound(self, to: loop)
        return Task(executorPreference: loop) {
            let here = bound.value
            guard let session = here.sessions[place]?.session else { return }
            if await session.shakesHands(), here.mayServe() {
                return here.serve(at: place, isCancelled: Task.isCancelled)
            }
            await here.end(session, at: place)
        }
    }

    /// Serves a session without a task, or in one of its own: a task keeps all the memory that it ever had, and a handshake
    /// takes more of it than a session that waits for a message.
    ///
    /// Such a task should hold no more than its first kilobyte: so what is suspended below its own call is one closure,
    /// not the loop's generic `spawn`, and no outcome is kept in it.
    private func serve(at place: Int, isCancelled: Bool) {
        guard let session = sessions[place]?.session else { return }
        sessions[place]?.task = nil
        if let dialogue = session.begin(ended: { [unowned self] in finish(at: place) }) {
            let bound = LoopBound((self, dialogue), to: loop)
            sessions[place]?.task = Task(executorPreference: loop) {
                let (here, dialogue) = bound.value
                guard let session = here.sessions[place]?.session else { return }
                await session.serve(dialogue)
                await here.end(session, at: place)
            }
        }
        if isCancelled { sessions[place]?.cancel() }
    }

    /// Ends a session that had no task; telling its peer may take a while.
    private func finish(at place: Int) {
        let bound = LoopBound(self, to: loop)
        sessions[place]?.task = Task(executorPreference: loop) {
            let here = bound.value
            guard let session = here.sessions[place]?.session else { return }
            await here.end(session, at: place)
        }
    }

    private func end(_ session: Session, at place: Int) async {
        ends(session)
        await session.close()
        ended(session, at: place)
    }

    /// With `--once`, whether this is the one session.
    private func mayServe() -> Bool {
        guard commons.settings.isOnce else { return true }
        if hasSession { return false }
        hasSession = true
        acceptors.removeAll()
        return true
    }

    /// A session has nothing more to serve; its peer hasn't been told yet.
    private func ends(_ session: Session) {
        if session.outcome.isOperatorsEnd { endsServer(.operatorHasLeft) }
        session.recordEnd()
    }

    /// A session is over; its connection closes with the last reference to it.
    private func ended(_ session: Session, at place: Int) {
        sessions[place] = nil
        load.ended()
        memory.sessionEnded()
        commons.descriptors.freed()
        session.leave()
        commons.census.sessionEnded()
        sayWhoIsLeft()
        if session.outcome.wasServed, commons.settings.isOnce { endsServer(.onceIsOver) }
    }

    private func left() {
        commons.descriptors.freed()
        commons.census.sessionEnded()
    }

    private func sayWhoIsLeft() {
        if isEnding { house.say(connections: sessions.count) }
    }
}
