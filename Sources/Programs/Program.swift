// A program with everything it starts, from its start until nothing of it is running.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
public import Sockets
public import System

/// A program in a session and process group of its own, with default signal dispositions and no
/// descriptors but its standard ones. Confined to its loop.
///
/// Everything that it starts belongs to it, in whatever group or session that is. When it has ended by
/// itself, what it left behind is ended as well: after a moment if none of it has the program's output
/// open, otherwise after the grace time. Releasing it before it is over kills all of it, unless `seeOff`
/// was called.
public final class Program {
    /// How far it has progressed between its start and its end.
    public enum Course: Hashable, Sendable {
        /// It is being started, or the program itself is running.
        case running
        /// It has ended by itself, and what it left behind may still do so: within the grace time if it
        /// has the program's output open, otherwise within a moment.
        case lingering
        /// Everything was sent SIGTERM and has the grace time to end.
        case terminating(Cause)
        /// Everything is sent SIGKILL until nothing is left.
        case killing(Cause)
        /// Something has acquired rights that keep it from being killed, or its exec hangs, and it is left
        /// running.
        case lost
        /// Nothing of it is running any more, or what is may keep running.
        case over
    }

    /// Why everything is ended.
    public enum Cause: Hashable, Sendable {
        /// The program ended by itself; this is what it left behind.
        case leftBehind
        /// `terminate` was called while the program itself was running.
        case ordered
    }

    /// The process ID of the program itself, and of its process group; nil until it has started, as far as that is
    /// known.
    public var pid: Int32? { custodian.program }
    /// Why it can't be started; it is then over. Nil while that isn't known, and once it has started.
    public var failure: StreamError? { custodian.failure }
    /// Its current state; each change is reported by `changed`.
    public private(set) var course = Course.running
    /// How the program itself ended; there may still be something in its output.
    public var end: ProgramEnd? { custodian.end }
    /// How many processes were ended that it had left behind when it ended by itself.
    public private(set) var leftEnded = 0
    /// Which limits of its control group it has reached; known once it is over.
    public var reached: Set<Controller> { custodian.reached }

    private let custodian: any Custodian
    private let outputs: [PipeWatch]
    private let loop: EventLoop
    private let isBackground: Bool
    private let grace: Duration
    private let changed: () -> Void
    private var endedByItself = false
    private var timer: Timer?
    private var settled: (() -> Void)?
    private var over: (() -> Void)?
    /// Itself, while nothing else holds it and it is not over.
    private var departing: Program?

    /// Begins to start a program; `pid` or `failure` later says how that went. No loop waits for an exec,
    /// which a hanging file system can delay. A program that is ended meanwhile doesn't run.
    ///
    /// - Parameters:
    ///   - pipes: what it writes waits in them until somebody reads their other ends; nobody has to.
    ///   - changed: called on the loop when `failure`, `course`, `end` or `isDone` has changed, and `pid` of a program
    ///     that takes input.
    /// - Throws: `descriptorsExhausted`; `system` if there can't be another process.
    public init(
        _ start: ProgramStart, _ pipes: consuming ProgramPipes, loop: EventLoop,
        _ changed: @escaping () -> Void
    ) throws(StreamError) {
        let link = Link()
        outputs = [
            PipeWatch(pipes.ends.output, loop: loop) { link.program?.outputHasEnded() },
            PipeWatch(pipes.ends.errorOutput, loop: loop) { link.program?.outputHasEnded() },
        ]
        custodian = try Programs.custodian(
            of: start, input: pipes.input, output: pipes.output, errorOutput: pipes.errorOutput,
            loop: loop
        ) { link.program?.custodianChanged() }
        self.loop = loop
        self.changed = changed
        grace = start.grace
        isBackground = start.isBackground
        link.program = self
    }

    /// An upper bound for the descriptors that are open while it is started: three pipes, both ends of the keeper's,
    /// its control group and a file in it, and the copies handed to whoever moves its bytes.
    public static let descriptors = 15

    deinit { custodian.abandon() }

    /// What the pipes and the custodian call, which must not retain it.
    private final class Link { weak var program: Program? }

    // MARK: Its end

    /// Ends it with everything that it started: SIGTERM, then SIGKILL after the grace time.
    public func terminate() {
        switch course {
        case .running: terminate(.ordered)
        case .lingering: terminate(.leftBehind)
        case .terminating, .killing, .lost, .over: break
        }
    }

    /// Whether nothing more has to be waited for before its end is reported: it was ended, or can't
    /// be, or it has ended by itself and its output is at its end.
    public var isDone: Bool {
        switch course {
        case .running, .terminating(.ordered), .killing(.ordered): false
        case .lingering: hasEndedOutput && !isBackground
        case .terminating(.leftBehind), .killing(.leftBehind): hasEndedOutput
        case .lost, .over: true
        }
    }

    /// Calls once it is known how everything ended: when it is over or given up; at once if it
    /// already is.
    public func whenSettled(_ call: @escaping () -> Void) {
        switch course {
        case .lost, .over: call()
        case .running, .lingering, .terminating, .killing: settled = call
        }
    }

    /// Calls when nothing of it is running any more; at once if that is already so.
    public func whenOver(_ call: @escaping () -> Void) {
        if course == .over { call() } else { over = call }
    }

    /// Nobody reads its output any more; it is ended, or comes to its end, by itself.
    public func seeOff() {
        guard course != .over else { return }
        departing = self
    }

    private var hasEndedOutput: Bool { outputs.allSatisfy(\.hasEnded) }

    private func outputHasEnded() {
        if case .lingering = course, hasEndedOutput { linger() }
        changed()
    }

    private func custodianChanged() {
        if custodian.isOver {
            finish()
        } else if end != nil, course == .running {
            endedByItself = true
            course = .lingering
            // Only now does it matter who may still write; for a program that leaves nothing behind nobody has
            // to ask.
            for output in outputs { output.look() }
            linger()
        }
        changed()
    }

    /// Gives what the program left behind its time.
    private func linger() {
        if hasEndedOutput, isBackground { return endWhatIsLeft() }
        let time = hasEndedOutput ? min(grace, Self.exitDelay) : grace
        timer = Timer(after: time, on: loop) { [unowned self] in endWhatIsLeft() }
    }

    private func endWhatIsLeft() {
        guard isBackground else { return terminate(.leftBehind) }
        // What it writes from here on is no longer the command's.
        custodian.leaveRunning()
        timer = nil
    }

    private func terminate(_ cause: Cause) {
        course = .terminating(cause)
        custodian.terminate()
        timer = Timer(after: grace, on: loop) { [unowned self] in
            course = .killing(cause)
            custodian.kill()
            timer = Timer(after: Self.lastWait, on: loop) { [unowned self] in lose() }
        }
    }

    private func lose() {
        timer = nil
        course = .lost
        settle()
        changed()
    }

    private func finish() {
        timer = nil
        course = .over
        if endedByItself { leftEnded = custodian.signalled }
        over.take()?()
        settle()
        departing = nil
    }

    private func settle() { settled.take()?() }

    // MARK: All programs

    /// Whether there is a proc(5) for this PID namespace with `children`, without which nothing
    /// starts.
    public static var canBeWatched: Bool {
        var text = [CChar](repeating: 0, count: 32)
        let count = unsafe readlink("/proc/self", &text, text.count - 1)
        guard count > 0, unsafe access("/proc/thread-self/children", R_OK) == 0 else {
            return false
        }
        return text[..<count].elementsEqual("\(getpid())".utf8.map { CChar(bitPattern: $0) })
    }

    /// Makes the system keep how programs end, even if whoever started this process ignored that.
    /// Before any program is started.
    public static func keepEnds() { Glibc.signal(SIGCHLD, SIG_DFL) }

    /// Whether this process has children that it didn't start, or may get some: those of others that end before them.
    /// Before any program is started.
    public static var mayInheritChildren: Bool { parley_may_inherit_children() != 0 }

    /// Kills every program of this process with everything it started, before this process ends: when no
    /// loop runs any more.
    public static func killAll() {
        Keeper.killAll()
        GroupCustodian.killAll()
        let limit = Moment.now + .seconds(2)
        Keeper.awaitAll(until: limit)
        GroupCustodian.awaitAll(until: limit)
    }

    /// Reaps children of this process that it did not start: as process 1 it inherits every orphan.
    ///
    /// - Parameter spared: a child that it did start and that somebody is waiting for.
    public static func reapOrphans(sparing spared: Int32 = 0) {
        Children.reapOthers(sparing: spared)
    }

    /// How long SIGKILL may take.
    private static let lastWait = Duration.seconds(2)
    /// How long a process may take to end after it has closed its output: it must not be signalled,
    /// nor counted among those that had to be ended.
    private static let exitDelay = Duration.milliseconds(100)
}
