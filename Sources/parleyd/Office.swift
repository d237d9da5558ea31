// What decides and records for all sessions: the broker.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Commands
internal import Console
internal import Programs
internal import Records
internal import Remote
internal import Sockets
internal import TLS
internal import Vouching

/// The policy in force, the places of programs, and the trail. The loops' sessions ask it, and it asks nothing
/// of them. Confined to the main loop.
final class Office {
    let loop: EventLoop
    let log: Log
    /// What is in force.
    private(set) var policy: Policy
    let options: ServerOptions
    /// Nil if no records are kept.
    let audit: AuditFile?
    /// Where records are counted; nil if nobody asks for metrics.
    let book: MetricsBook?
    /// How much of the trail clients may cause.
    private let budgets: Budgets?
    let startsOnTheirWay: StartsOnTheirWay
    let slots = ProgramSlots()
    let sessions: SessionPlaces
    /// How many programs one identity may have running.
    private(set) var maxPerIdentity: Int
    private var pace: IdentityPace
    /// For matching arguments against patterns, in steps.
    private var matchingPace: IdentityPace
    private var refusalPace: IdentityPace
    /// The server is shutting down: nothing is started any more.
    private(set) var isEnding = false
    private(set) var attendance: Attendance {
        didSet { attendanceChanged() }
    }
    /// Called when a session or program has come or gone.
    var attendanceChanged: () -> Void = {}
    /// Called for each one that leaves once the server is shutting down.
    private var departed: (Departure) -> Void = { _ in }
    /// What the signing and verifying threads have of it; nil for plaintext.
    let ring: KeyRing?
    /// Programs whose end is not recorded yet.
    private var running: [ObjectIdentifier: any Killable] = [:]

    enum Departure {
        case session, program
    }

    /// - Parameter loops: the loops of the network process.
    init(
        _ options: ServerOptions, _ audit: AuditFile?, loop: EventLoop, log: Log, policy: Policy,
        loops: Int
    ) throws(ProofRefusal) {
        self.options = options
        self.audit = audit
        let rate = options.audit?.rate ?? Budget.usualRate
        budgets = audit.map { Budgets($0, rate: rate) { loop.now } }
        book = options.metrics.map { _ in
            MetricsBook(policy, hasTable: options.commands != nil)
        }
        startsOnTheirWay = StartsOnTheirWay(loop)
        sessions = SessionPlaces(options.identityLimits.sessions)
        maxPerIdentity = options.identityLimits.programs(policy.table)
        pace = IdentityPace(rate: options.identityLimits.starts)
        matchingPace = IdentityPace(rate: options.identityLimits.matching)
        refusalPace = IdentityPace(rate: options.identityLimits.refusals)
        attendance = Attendance(loops: loops)
        ring =
            if let context = policy.context {
                try KeyRing(context, number: policy.key)
            } else {
                nil
            }
        self.loop = loop
        self.log = log
        self.policy = policy
    }

    /// Puts another policy in force, for open sessions as well.
    ///
    /// - Throws: if that is impossible for lack of memory; the old policy stays in force.
    func enforce(_ policy: Policy) throws(ProofRefusal) {
        if policy.key != self.policy.key, let context = policy.context {
            try ring?.use(context, number: policy.key)
        }
        self.policy = policy
        book?.use(policy)
        maxPerIdentity = options.identityLimits.programs(policy.table)
    }

    /// Whether sessions must report what happens in them.
    var isRecorded: Bool { audit != nil || book != nil }

    /// Takes a place for a program, and one of the identity's starts.
    func place(
        _ name: String, _ identity: Identity, _ program: ProgramEntry
    ) -> Result<Place, Refusal> {
        switch slots.take(name, identity, program, maxPerIdentity: maxPerIdentity) {
        case .failure(let refusal): return .failure(refusal)
        case .success(let place):
            if pace.take(identity.description, at: loop.now) { return .success(place) }
            return .failure(
                Refusal(
                    .identityStarts,
                    "you have exceeded your limit of programs started per second (\(pace.rate)); try again in a second, and start them more slowly"
                ))
        }
    }

    /// How many steps matching the identity's next arguments may take.
    func matchingWork(of identity: Identity) -> MatchingWork {
        MatchingWork(atMost: matchingPace.left(identity.description, at: loop.now))
    }

    /// Matching the identity's arguments took this many steps.
    func matched(_ steps: Int, for identity: Identity) {
        matchingPace.spend(steps, of: identity.description, at: loop.now)
    }

    /// A command of this identity is refused.
    ///
    /// - Returns: how long its answer must wait.
    func refusalDelay(of identity: Identity) -> Duration {
        isEnding
            ? .zero
            : refusalPace.queue(
                identity.description, at: loop.now,
                limit: min(Self.longestRefusalDelay, options.deadlines.idle / 3))
    }

    /// The session is neither read from nor ended meanwhile, so that it must not become idle.
    private static let longestRefusalDelay = Duration.seconds(1)

    /// Whether a session that begins now has reached the maximum age.
    var ageCheck: () -> Bool {
        let end = loop.now + options.maxSessionAge
        return { [loop] in loop.now >= end }
    }

    /// The recorder for the server's own records; nil if no records are kept.
    var trail: Recorder? { isRecorded ? Recorder(audit, nil, book: book) : nil }

    /// The recorder for a session; nil if no records are kept.
    func trail(
        number: Int, of address: String, via balancer: String?, peer: PeerIdentity?
    ) -> Recorder? {
        guard isRecorded else { return nil }
        let peer = peer.map { RecordedSession.Peer($0) }
        return Recorder(
            audit,
            RecordedSession(number: number, address: address, balancer: balancer, peer: peer),
            budget: budgets?[peer?.identity], book: book)
    }

    /// Records connections that never became a session.
    func record(_ strangers: StrangersPost) {
        guard isRecorded else { return }
        Recorder(
            audit, strangers.address.map { RecordedSession(strangersAt: $0) },
            budget: budgets?[nil], book: book
        ).record(Record(strangers))
    }

    func sessionBegins() { attendance.sessionBegins() }
    func sessionEnded() { attendance.sessionEnded() }

    /// A program is about to start; `ended` must follow.
    func starts(_ program: any Killable) {
        running[ObjectIdentifier(program)] = program
        attendance.programStarts()
    }

    /// It is known how a program and everything it started ended, and its client was told.
    func ended(_ program: any Killable) {
        running[ObjectIdentifier(program)] = nil
        attendance.programEnded()
        departed(.program)
    }

    // MARK: Its end

    var counts: Counts { attendance.counts }

    /// The server is shutting down. From here on each departure is reported.
    func beginEnding(_ departed: @escaping (Departure) -> Void) {
        isEnding = true
        self.departed = departed
    }

    /// The server is shutting down and a loop has this many connections.
    func note(connections: Int, at loop: Int) {
        attendance.note(connections: connections, at: loop)
        departed(.session)
    }

    /// To be called when the loop has stopped: records the ends of what was killed.
    func recordKills() {
        for program in running.values { program.recordKill() }
    }

    /// The last call: writes whatever is waiting.
    ///
    /// - Returns: how many records are not in the trail.
    func endTrail() -> Int {
        budgets?.end()
        return audit?.finish(within: Self.patience) ?? 0
    }

    /// How long a disk or the reader of a pipe has at the end.
    private static let patience = Duration.seconds(5)
}
