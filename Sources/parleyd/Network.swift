// The network process: it receives its descriptors, gives up everything else, and serves strangers.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import CLinux
internal import Console
internal import Conversations
internal import Glibc
internal import Sockets
internal import Synchronization
internal import System
internal import TLS
internal import Vouching

/// What runs in the network process, from the broker's first message to its last order. It reads no file and starts
/// nothing; the broker says whom it serves, and with what. Confined to the main loop.
final class Network {
    /// The argument that starts this executable as a network process.
    static let word = "network"

    private let main: EventLoop
    private let log: Log
    private var control: PostChannel?
    private var loops: [LoopBound<SessionLoop>] = []
    private var lines: OperatorLines?
    private var commons: Commons?

    /// Whether the broker has started this process: its descriptors are those of `NetworkProcess`.
    static var isAsked: Bool {
        var type: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return unsafe getsockopt(Descriptors.control, SOL_SOCKET, SO_TYPE, &type, &length) == 0
            && type == Int32(SOCK_SEQPACKET.rawValue)
    }

    /// The numbers that descriptors have here.
    enum Descriptors {
        static let control: Int32 = 3
        /// The first of the listening sockets. After them come the key log's pipe, if one is written, and for each loop
        /// its post channel and, with TLS, its call channel.
        static let listeners: Int32 = 4
    }

    /// Serves until the broker says that it is over, or is gone.
    static func run() throws -> Never {
        unsafe parley_take_name("parleyd-network")
        let network = try Network()
        network.main.run()
        network.end()
    }

    private init() throws(StreamError) {
        main = try EventLoop()
        log = Log(program: "parleyd", loop: main)
        control = try PostChannel(
            owning: Descriptor(owning: Descriptors.control), loop: main, limit: Self.longestPost,
            received: { [unowned self] post throws(PacketError) in try take(&post) },
            ended: { Self.lose($0) })
    }

    /// The broker's orders have ended.
    private func end() -> Never {
        for loop in loops.dropFirst() { loop.loop.stop() }
        for loop in loops.dropFirst() { loop.loop.join() }
        // Those of all loops.
        loops.first?.value.tellStrangers()
        log.flush()
        exit(0)
    }

    /// Nothing decides or signs any more, so nothing may continue.
    private static func lose(_ end: PostEnd) -> Never {
        if case .failed = end {
            Log.write("parleyd", "the network process cannot talk to the broker: \(end.reason)")
        }
        _exit(70)
    }

    // MARK: What the broker says

    private func take(_ post: inout Post) throws(PacketError) {
        var reader = post.packet
        guard let kind = PostKind(rawValue: reader.type), kind.isBrokers, kind.isControl else {
            throw reader.malformed("is not one that a broker sends to a network process")
        }
        switch kind {
        case .settings:
            let settings = try NetworkSettings(whole: &reader)
            guard commons == nil else { throw reader.malformed("came twice") }
            do {
                try begin(settings)
            } catch {
                Log.write("parleyd", "the network process cannot start: \(error.told)")
                _exit(70)
            }
        case .policy:
            let policy = try NetworkPolicy(whole: &reader)
            use(policy)
        case .pulse:
            let pulse = try PulsePost(whole: &reader)
            answer(pulse)
        case .order:
            let order = try OrderPost(whole: &reader)
            obey(order.order)
        case .line:
            let line = try LinePost(whole: &reader)
            lines?.take(line)
        default: break
        }
    }

    /// Makes all loops use a policy, and tells the broker when they do.
    private func use(_ policy: NetworkPolicy) {
        everywhere {
            $0.use(policy)
        } done: { [unowned self] in
            control?.send(InForcePost(generation: policy.generation).packet)
        }
    }

    /// Shows that all loops are turning.
    private func answer(_ pulse: PulsePost) {
        everywhere {
            $0.showLife()
        } done: { [unowned self] in
            control?.send(AlivePost(number: pulse.number).packet)
        }
    }

    /// Counts loops that are done. Safe on any thread.
    private final class Countdown: Sendable {
        private let left: Atomic<Int>

        init(_ count: Int) { left = Atomic(count) }

        /// Counts the caller; returns whether it is the last one.
        var isLast: Bool { left.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 }
    }

    private func obey(_ order: OrderPost.Order) {
        switch order {
        case .stopAccepting:
            // First, so that nothing is asked for after that.
            commons?.census.beginEnding()
            everywhere { $0.stopAccepting() }
        case .endMessageSessions: everywhere { $0.endSessions(areRemote: false) }
        case .endRemoteSessions: everywhere { $0.endSessions(areRemote: true) }
        case .cancelSessions: everywhere { $0.cancelSessions() }
        case .stop: main.stop()
        }
    }

    private func everywhere(_ call: @escaping @Sendable (SessionLoop) -> Void) {
        for loop in loops { loop.execute(call) }
    }

    /// - Parameter done: called when all loops have done it.
    private func everywhere(
        _ call: @escaping @Sendable (SessionLoop) -> Void, done: @escaping () -> Void
    ) {
        let left = Countdown(loops.count)
        let tell = LoopBound(done, to: main)
        everywhere { loop in
            call(loop)
            if left.isLast { tell.execute { $0() } }
        }
    }

    // MARK: Its start

    /// Creates everything that the loops need, gives up all rights, and only then accepts
    /// connections.
    private func begin(_ settings: NetworkSettings) throws {
        TLSLibrary.prepare()
        var inherited = Inherited()
        let listeners = try (0..<settings.listeners).map { _ in
            try Listener(owning: inherited.next())
        }
        let commons = Commons(
            settings,
            keyLog: settings.writesKeyLog ? KeyLog(owning: inherited.next()) : nil)
        self.commons = commons
        for number in 0..<settings.loops {
            let loop = number == 0 ? main : try EventLoop()
            let log = number == 0 ? self.log : Log(program: "parleyd", loop: loop)
            loops.append(try sessionLoop(number, on: loop, log, commons, &inherited))
        }
        for loop in loops { loop.value.meet(loops) }

        let missing = try confine(settings)
        for loop in loops {
            loop.execute { loop in
                do throws(StreamError) {
                    try loop.accept(from: listeners)
                } catch {
                    Log.write("parleyd", "cannot accept connections: \(error.told)")
                    _exit(70)
                }
            }
        }
        control?.send(ReadyPost(missing: missing).packet)
    }

    /// Starts the loops' threads between the two steps of the confinement.
    ///
    /// - Returns: what this machine lacks for the confinement.
    private func confine(_ settings: NetworkSettings) throws -> [String] {
        // A tool that traces every instruction of the process makes system calls of its own in it.
        guard unsafe getenv(Self.traced) == nil else {
            for loop in loops.dropFirst() { try loop.loop.start() }
            return [
                "\(Self.traced) is set for a developer's tools, so it can do whatever its user can"
            ]
        }
        let confinement = try Confinement.closeFiles(
            becoming: settings.user, isSealed: unsafe getenv("PARLEY_DUMPABLE") == nil)
        guard parley_end_with_parent(settings.parent) == 0 else { _exit(70) }
        for loop in loops.dropFirst() { try loop.loop.start() }
        return try confinement.closeCalls()
    }

    private func sessionLoop(
        _ number: Int, on loop: EventLoop, _ log: Log, _ commons: Commons,
        _ inherited: inout Inherited
    ) throws -> LoopBound<SessionLoop> {
        let settings = commons.settings
        if settings.conversation == .chat {
            lines = OperatorLines(isTerminal: settings.hasOperatorAtTerminal, loop: loop) {
                [unowned self] in
                control?.send($0)
            } lost: {
                log.write(
                    "a line was not sent because its client disconnected while it was being typed")
            }
        }
        let transcript = ConsoleTranscript(
            output: Output(.output, loop: loop), input: lines, log: log, isQuiet: settings.isQuiet,
            form: settings.form)
        let broker = try BrokerLink(inherited.next(), loop: loop) { Self.lose($0) }
        broker.beforeRuns { [descriptors = commons.descriptors] in descriptors.areLacking }
        var notary: NotaryLink?
        if settings.isSecured {
            let channel = try CallChannel(owning: inherited.next(), time: Self.patience)
            notary = NotaryLink(channel, loop: loop) { Self.lose(.failed($0)) }
        }
        let house = try House(
            commons, loop: loop, console: transcript, log: log, broker: broker, notary: notary)
        let tell = LoopBound(
            { [unowned self] in _ = control?.send(HappenedPost($0).packet) }, to: main)
        return LoopBound(
            SessionLoop(
                number, commons, house, endsServer: { event in tell.execute { $0(event) } }),
            to: loop)
    }

    /// The descriptors that this process was started with, one after another.
    private struct Inherited {
        private var last = Descriptors.listeners - 1

        mutating func next() -> Descriptor {
            last += 1
            return Descriptor(owning: last)
        }
    }

    /// If set in the environment, it keeps the process from being confined: for valgrind and
    /// sanitizers.
    private static let traced = "PARLEY_TRACED"
    /// The limit for a table with all its fixed replies.
    private static let longestPost = 256 << 20
    /// How long a signature may take. A broker that is gone closes its channel; one that is stopped continues
    /// later.
    private static let patience = Duration.seconds(600)
}
