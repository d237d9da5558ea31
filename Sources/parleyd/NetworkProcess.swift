// The network process as the broker sees it.
// SPDX-License-Identifier: Apache-2.0
internal import Broker
internal import CLinux
internal import Conversations
internal import Glibc
internal import Sockets
internal import System

/// Starts the network process, talks to it over the control channel, and waits for its end. Confined to the main loop.
final class NetworkProcess {
    /// What it reports, and how it ended.
    struct Handlers {
        var ready: (ReadyPost) -> Void
        var happened: (HappenedPost.Event) -> Void
        /// All loops use the policy of that generation.
        var inForce: (UInt64) -> Void
        /// All loops have turned since the pulse with that number.
        var alive: (UInt64) -> Void
        /// The control channel is closed: the process has ended, or is being ended now.
        var ended: (PostEnd) -> Void
    }

    let pid: Int32
    private var control: PostChannel?
    private let settings: NetworkSettings
    private var isReady = false
    private var happened: Set<HappenedPost.Event> = []
    private let handlers: Handlers
    private let operatorDesk: OperatorDesk?

    /// The ends of everything that the process is given, in the order of their numbers there.
    struct Ends: ~Copyable {
        private(set) var numbers: [Int32]
        private var owned: [Int32] = []

        /// - Parameter standard: its standard input, output and error, which remain the caller's.
        init(standard: [Int32]) { numbers = standard }

        deinit { for number in owned { _ = Descriptor(owning: number) } }

        /// Adds one that remains somebody else's.
        mutating func add(_ number: Int32) { numbers.append(number) }

        /// Adds one that is closed here once the process has it.
        mutating func add(_ descriptor: consuming Descriptor) {
            let number = descriptor.release()
            owned.append(number)
            numbers.append(number)
        }
    }

    /// Starts it.
    ///
    /// - Parameters:
    ///   - ends: the first three and what comes after the control channel.
    ///   - operatorDesk: nil if nobody is asked for lines.
    init(
        _ settings: NetworkSettings, _ ends: consuming Ends, control pair: consuming PacketPair,
        loop: EventLoop, operatorDesk: OperatorDesk?, _ handlers: Handlers
    ) throws(StreamError) {
        self.settings = settings
        self.handlers = handlers
        self.operatorDesk = operatorDesk
        // A developer's debugger, sanitizer or profiler needs its own settings.
        let keepsEnvironment: Int32 = unsafe getenv("PARLEY_DUMPABLE") == nil ? 0 : 1
        let numbers = ends.numbers
        let result = unsafe parley_start_again(
            Network.word, keepsEnvironment, numbers, Int32(numbers.count))
        guard result > 0 else {
            throw StreamError("cannot start the network process", started: Errno(-result))
        }
        pid = result
        control = try PostChannel(
            owning: pair.takeOne(), loop: loop, limit: Self.longestPost, maxQueued: 512 << 20,
            received: { [unowned self] post throws(PacketError) in try take(&post) },
            ended: { [unowned self] end in
                control = nil
                handlers.ended(end)
            })
        operatorDesk?.answer = { [unowned self] in control?.send(LinePost($0).packet) }
        control?.send(settings.packet)
    }

    /// Whether its control channel is closed.
    var hasEnded: Bool { control == nil }

    func use(_ policy: NetworkPolicy) { control?.send(policy.packet) }

    func ask(_ pulse: PulsePost) { control?.send(pulse.packet) }

    func obey(_ order: OrderPost.Order) { control?.send(OrderPost(order).packet) }

    /// Kills it, unless it has already ended.
    func kill() { Glibc.kill(pid, SIGKILL) }

    /// Gives it a moment to end by itself, so that its own reason is reported.
    func wait() {
        var info = unsafe siginfo_t()
        for _ in 0..<100 {
            guard unsafe waitid(P_PID, id_t(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0,
                unsafe info.si_signo == 0
            else { return }
            usleep(2_000)
        }
    }

    /// Reaps it after `kill` or its own end. Waits if the process is just ending.
    ///
    /// - Returns: how it ended, as the rest of a sentence.
    func reap() -> String {
        var status: Int32 = 0
        var result: pid_t
        repeat { result = unsafe waitpid(pid, &status, 0) } while result < 0 && errno == EINTR
        guard result == pid else { return "has ended" }
        switch status & 0x7f {
        case 0: return "exited with status \(status >> 8 & 0xff)"
        case SIGSYS: return "was killed for a system call that it may not make"
        case let signal: return "was killed by signal \(signal)"
        }
    }

    private func take(_ post: inout Post) throws(PacketError) {
        var reader = post.packet
        guard let kind = PostKind(rawValue: reader.type), !kind.isBrokers, kind.isControl else {
            throw reader.malformed("is not one that a network process sends")
        }
        _ = try post.takeDescriptors(0)
        switch kind {
        case .ready:
            let ready = try ReadyPost(whole: &reader)
            guard !isReady else { throw .outOfTurn("it is already ready") }
            isReady = true
            handlers.ready(ready)
        case .happened:
            let event = try HappenedPost(whole: &reader).event
            guard event == .onceIsOver ? settings.isOnce : settings.conversation == .chat else {
                throw .outOfTurn("what it reports cannot happen here")
            }
            // Several sessions may end as the server's last.
            if happened.insert(event).inserted { handlers.happened(event) }
        case .inForce:
            let post = try InForcePost(whole: &reader)
            handlers.inForce(post.generation)
        case .alive:
            let post = try AlivePost(whole: &reader)
            handlers.alive(post.number)
        case .ask:
            let ask = try AskPost(whole: &reader)
            guard let operatorDesk, operatorDesk.ask(limit: Int(ask.limit)) else {
                throw .outOfTurn("no line can be requested now")
            }
        case .askNoMore:
            _ = try AskNoMorePost(whole: &reader)
            operatorDesk?.askNoMore()
        default: break
        }
    }

    /// How much it may say at once.
    private static let longestPost = 128 << 10
}
