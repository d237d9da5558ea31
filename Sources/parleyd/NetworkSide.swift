// The broker's side of the network process: everything that leads to it.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import Console
internal import Conversations
internal import Glibc
internal import Sockets
internal import System
internal import TLS
internal import Vouching

/// Starts the network process with its links to the broker, and follows it to its end. Confined to the main
/// loop.
final class NetworkSide {
    /// What is reported to the server.
    struct Handlers {
        var ready: (ReadyPost) -> Void
        var happened: (HappenedPost.Event) -> Void
        /// It has answered a pulse.
        var alive: (UInt64) -> Void
        /// It has ended, or must be ended: nothing more comes from it.
        var over: () -> Void
    }

    let loops: Int
    /// Whether console lines are left out.
    var hidesConsole = false
    private let office: Office
    private let main: EventLoop
    private let log: Log
    private let output: Output
    /// How much of a turn of the main loop all links together may use.
    private let work: TurnWork
    private var process: NetworkProcess?
    /// The office's ends of the links to the loops.
    private var links: [NetworkLink] = []
    /// How many of them are open.
    private var openLinks = 0
    /// The threads that sign and verify for the loops.
    private var notaries: [NotaryThread] = []
    /// What the process writes.
    private var relays: [PipeRelay] = []
    /// Policies that were sent to it and that it doesn't use yet.
    private var awaited: [Awaited] = []
    private var course = Course.serving
    private var over: () -> Void = {}

    private struct Awaited {
        let generation: UInt64
        let limit: Timer
        let done: () -> Void
    }

    /// How far the end of the process has progressed.
    private enum Course {
        case serving
        /// It was told to end, and is killed when the timer fires.
        case leaving(Timer)
        /// It has ended without being told to, or has broken the rules.
        case lost
    }

    init(_ office: Office, loops: Int, console: Output) {
        self.office = office
        self.loops = loops
        main = office.loop
        log = office.log
        output = console
        work = TurnWork(on: main)
    }

    /// The process ID; 0 before it is started.
    var pid: Int32 { process?.pid ?? 0 }

    /// Makes it use another policy.
    ///
    /// - Parameters:
    ///   - late: called with a sentence before `done`, if it takes too long.
    ///   - done: called when all of its loops use the policy, or when that takes too long.
    func use(
        _ policy: NetworkPolicy, late: @escaping (String) -> Void, done: @escaping () -> Void
    ) {
        process?.use(policy)
        let limit = Timer(after: Self.patience, on: main) { [unowned self] in
            late(
                "the network process did not switch to the new files within \(Self.patience.words): until it does, it shows the old certificate and gives the old fixed replies; programs already use the new files"
            )
            settle(UInt64(policy.generation))
        }
        awaited.append(Awaited(generation: UInt64(policy.generation), limit: limit, done: done))
    }

    /// All loops use the policy of that generation.
    private func settle(_ generation: UInt64) {
        let settled = awaited.filter { $0.generation <= generation }
        awaited.removeAll { $0.generation <= generation }
        for policy in settled { policy.done() }
    }

    /// Asks all loops whether they are turning.
    func ask(_ pulse: PulsePost) { process?.ask(pulse) }

    func obey(_ order: OrderPost.Order) { process?.obey(order) }

    /// Makes it end; `over` is called when it has.
    func stop() {
        guard case .serving = course else { return }
        course = .leaving(
            Timer(after: Self.lastWait, on: main) { [unowned self] in
                process?.kill()
                over()
            })
        process?.obey(.stop)
    }

    /// Kills it, unless it has already ended, and reads its last lines. Only when the loop has
    /// stopped.
    ///
    /// - Returns: a sentence for the log if its end was not expected.
    func end() -> String? {
        for notary in notaries { notary.stop() }
        process?.kill()
        let words = process?.reap()
        for relay in relays { relay.drain() }
        guard case .lost = course, let words else { return nil }
        return "the network process \(words), which ended all sessions"
    }

    // MARK: Its start

    func start(
        _ listeners: [Listener], _ form: ConsoleTranscript.Form, _ user: NetworkUser,
        _ handlers: Handlers
    ) throws {
        let options = office.options
        over = handlers.over
        let (console, errors) = (try Pipe(), try Pipe())
        let nothing = Descriptor(owning: unsafe open("/dev/null", O_RDWR | O_CLOEXEC))
        guard nothing.number >= 0 else {
            throw StreamError("cannot open /dev/null for the network process", errno: errno)
        }
        var control = try PacketPair()
        let written = console.takeWriter()
        let said = errors.takeWriter()
        // It must not wait for this process, and may have no /proc through which to open them
        // again.
        unblock(written)
        unblock(said)
        var ends = NetworkProcess.Ends(standard: [nothing.number, written.number, said.number])
        ends.add(control.takeOther())
        for listener in listeners { ends.add(listener.number) }
        if let keyLog = options.security?.openedKeyLog {
            let secrets = try Pipe()
            ends.add(secrets.takeWriter())
            relays.append(
                try PipeRelay(secrets.takeReader(), loop: main, output: nil) { keyLog.append($0) })
        }
        for number in 0..<loops { try connect(number, &ends) }
        let lines = options.conversation == .chat ? OperatorDesk(loop: main) : nil
        let settings = NetworkSettings(
            options, office.policy, isRecorded: office.isRecorded, loops: loops,
            listeners: listeners.count, form: form,
            hasOperatorAtTerminal: lines?.isAtTerminal ?? false, user: user.numbers,
            parent: getpid())
        try relay(console.takeReader(), errors.takeReader(), form)
        process = try NetworkProcess(
            settings, ends, control: control, loop: main, operatorDesk: lines,
            NetworkProcess.Handlers(
                ready: handlers.ready, happened: handlers.happened,
                inForce: { [unowned self] in settle($0) }, alive: handlers.alive,
                ended: { [unowned self] in lose($0) }))
    }

    /// Creates the links between the broker and a loop.
    private func connect(_ number: Int, _ ends: inout NetworkProcess.Ends) throws {
        // A loop that leaves is forgotten when the broker has heard of it, and the next one may have come by
        // then.
        let options = office.options
        let limit =
            2 * NetworkSettings.maxConnections(options.maxSessions, options.strangers) + 64
        let clients = ShownClients(limit: limit)
        var posts = try PacketPair()
        links.append(
            try NetworkLink(
                posts.takeOne(), loop: main, maxSessions: limit, work: work,
                office: Reception(office, clients, loop: number),
                ended: { [unowned self] end in
                    openLinks -= 1
                    lose(end)
                }))
        openLinks += 1
        ends.add(posts.takeOther())
        guard let ring = office.ring else { return }
        var calls = try PacketPair()
        let breach = LoopBound({ [unowned self] in lose(.failed($0)) }, to: main)
        do throws(Errno) {
            notaries.append(
                try NotaryThread(
                    calls.takeOne(), ring, clients, office.sessions, maxHandshakes: limit,
                    failed: { error in breach.execute { $0(error) } }))
        } catch {
            throw StreamError(noThread: error, for: "that signs handshakes")
        }
        ends.add(calls.takeOther())
    }

    private func relay(
        _ console: consuming Descriptor, _ errors: consuming Descriptor,
        _ form: ConsoleTranscript.Form
    ) throws(StreamError) {
        var filter = RelayedConsole(form)
        relays.append(
            try PipeRelay(console, loop: main, output: output) { [unowned self] bytes in
                let text = filter.add(bytes)
                if !hidesConsole { output.write(text) }
            })
        var lines = RelayedLines()
        relays.append(
            try PipeRelay(errors, loop: main, output: log.output) { [unowned self] bytes in
                for line in lines.add(bytes) { log.write(line.span) }
            })
    }

    // MARK: Its end

    /// A link to the process is closed.
    private func lose(_ end: PostEnd) {
        switch course {
        case .lost: break
        case .serving:
            if case .failed(let error) = end {
                log.write("ending the network process: \(error.sentence)")
            }
            course = .lost
            // A process that has closed it may be ending; otherwise it may be under somebody else's
            // control.
            if end == .closed { process?.wait() }
            process?.kill()
            over()
        case .leaving:
            // What its sessions had to say is read to the end.
            if openLinks == 0, process?.hasEnded != false { over() }
        }
    }

    /// How long a policy may take to reach all loops.
    private static let patience = Duration.seconds(10)
    /// How long a process that was told to end may take.
    private static let lastWait = Duration.seconds(2)
}
