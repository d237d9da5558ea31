// The process of a command's own that is the parent of all its processes, seen from here.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import Sockets
internal import Synchronization
internal import System

/// Starts a program below a keeper (Sources/CLinux/Keeper.c), says what it reports, and hands wishes on to it.
/// Confined to its loop. When it is let go before the command is over, SIGKILL ends all of it.
@safe
final class Keeper: EventSource {
    /// The program's number; nil until it runs.
    private(set) var program: Int32?
    /// Why it was not started.
    private(set) var failure: StreamError?
    /// How the program itself ended.
    private(set) var end: ProgramEnd?
    /// Nothing of the command runs any more, or nobody can tell: the keeper was killed.
    private(set) var isOver = false
    /// How many processes were ended by a signal that was asked for.
    private(set) var signalled = 0

    private let descriptor: Descriptor
    private let pid: pid_t
    private let memory: UnsafeMutableRawPointer
    private let what: String
    /// Nil once the program runs, or can't.
    private var strings: Strings?
    private let changed: () -> Void

    /// - Parameter changed: called on the loop when the program runs, when it has ended, and when all has.
    ///   The keeper lives until it returns, whatever it frees.
    /// - Throws: `descriptorsExhausted`; `system` where there can't be a keeper. Whether there is a
    ///   program is known later.
    init(
        _ start: ProgramStart, input: borrowing Descriptor, output: borrowing Descriptor,
        errorOutput: borrowing Descriptor, loop: EventLoop, _ changed: @escaping () -> Void
    ) throws(StreamError) {
        what = "cannot start \(start.path) in the directory \(start.directory)"
        let strings = Strings(start)
        let started = unsafe launch(start, strings, input, output, errorOutput)
        guard unsafe started.failure == 0 else {
            throw StreamError(what, errno: unsafe started.failure)
        }
        self.strings = strings
        pid = unsafe started.keeper
        unsafe memory = unsafe started.memory
        let control = unsafe started.control
        descriptor = Descriptor(owning: control)
        self.changed = changed
        super.init(loop: loop)
        running.withLock { _ = $0.insert(control) }
        try loop.add(self, descriptor: control, events: .reading)
    }

    deinit {
        guard !isOver else { return }
        tell(PARLEY_KILL)
        depart()
    }

    /// SIGTERM to every process of the command.
    func terminate() { tell(PARLEY_TERMINATE) }

    /// SIGKILL to every process of the command until none is left.
    func kill() { tell(PARLEY_KILL) }

    /// Lets what the program left behind live on; the command is over then.
    func letGo() { tell(PARLEY_LET_GO) }

    private func tell(_ wish: some BinaryInteger) {
        parley_keeper_tell(descriptor.number, CChar(truncatingIfNeeded: wish))
    }

    override func ready(_ events: Events) {
        guard !isOver else { return }
        var hasNews = false
        var report = parley_report()
        var result: Int32
        repeat {
            result = unsafe parley_keeper_read(descriptor.number, &report)
            if result == 1 {
                hasNews = true
                take(report)
            }
        } while result == 1 && !isOver
        if result < 0, !isOver {
            // Somebody has killed it. The program was killed with it (PR_SET_PDEATHSIG); what else there
            // was of the command nobody can know any more.
            if program == nil {
                let number = unsafe parley_keeper_program(memory)
                if number > 0 { program = number }
            }
            if program == nil {
                failure = failure ?? StreamError("\(what): its keeper was killed", errno: ECHILD)
            } else if end == nil {
                end = .signal(UInt8(SIGKILL))
            }
            isOver = true
            hasNews = true
        }
        if isOver { depart() }
        if hasNews { withExtendedLifetime(self) { changed() } }
    }

    private func depart() {
        let control = descriptor.number
        running.withLock { _ = $0.remove(control) }
        loop.remove(descriptor: control)
        unsafe Departure(pid, memory, strings, loop: loop).await()
    }

    private func take(_ report: parley_report) {
        strings = nil
        guard report.failure == 0 else {
            let reason =
                switch Int(report.cause) {
                case PARLEY_PROC:
                    "\(what): its processes cannot be watched over, for which /proc must be mounted"
                case PARLEY_RIGHTS: "\(what): it cannot have the rights that it should"
                case PARLEY_KEEPER: "\(what): its keeper cannot be set up"
                default: what
                }
            failure = StreamError(reason, errno: report.failure)
            isOver = true
            return
        }
        program = report.program
        if report.has_ended != 0, end == nil {
            let number = UInt8(truncatingIfNeeded: report.status)
            end = report.code == CLD_EXITED ? .status(number) : .signal(number)
        }
        signalled = Int(report.signalled)
        if report.is_over != 0 { isOver = true }
    }

    /// Kills all that was started, before this process ends: when no loop runs any more.
    static func killAll() {
        let controls = running.withLock { Array($0) }
        for control in controls { parley_keeper_tell(control, CChar(PARLEY_KILL)) }
        // What can't be killed is left to its keeper, which goes on trying.
        let limit = Moment.now + .seconds(2)
        for control in controls {
            var report = parley_report()
            while true {
                switch unsafe parley_keeper_read(control, &report) {
                case 1 where report.is_over == 0: continue
                case 0:
                    let now = Moment.now
                    guard now < limit else { break }
                    var event = pollfd(fd: control, events: Int16(POLLIN), revents: 0)
                    unsafe poll(&event, 1, Int32((limit - now).inNanoseconds / 1_000_000 + 1))
                    continue
                default: break
                }
                break
            }
        }
    }
}

/// The keepers' descriptors.
private let running = Mutex<Set<Int32>>([])

/// A keeper that ends, until its zombie and its memory were taken away.
@safe
private final class Departure {
    private let pid: pid_t
    private let memory: UnsafeMutableRawPointer
    /// Which it may still read, where it had not come to the program's start.
    private let strings: Strings?
    private let loop: EventLoop
    private var timer: Timer?
    private var pause = Duration.microseconds(500)

    init(_ pid: pid_t, _ memory: UnsafeMutableRawPointer, _ strings: Strings?, loop: EventLoop) {
        self.strings = strings
        self.pid = pid
        unsafe self.memory = unsafe memory
        self.loop = loop
    }

    /// It says that all is over a moment before it ends, and may have something to kill before that.
    func await() {
        guard unsafe parley_keeper_reap(pid, memory) == 0 else {
            timer = nil
            return
        }
        pause = min(pause * 2, .seconds(1))
        timer = Timer(after: pause, on: loop) { self.await() }
    }
}

private func launch(
    _ start: ProgramStart, _ strings: Strings, _ input: borrowing Descriptor,
    _ output: borrowing Descriptor, _ errorOutput: borrowing Descriptor
) -> parley_keeper {
    var how = unsafe parley_start()
    unsafe how.path = unsafe UnsafePointer(strings.path)
    unsafe how.directory = unsafe UnsafePointer(strings.directory)
    unsafe how.arguments = unsafe UnsafePointer(strings.arguments)
    unsafe how.environment = unsafe UnsafePointer(strings.environment)
    unsafe how.input = input.number
    unsafe how.output = output.number
    unsafe how.error_output = errorOutput.number
    unsafe how.umask = start.umask
    unsafe how.grace = Int(clamping: start.grace.inNanoseconds)
    unsafe how.is_background = start.isBackground ? 1 : 0
    unsafe how.rights = unsafe strings.rights.map { unsafe UnsafePointer($0.rights) }
    return unsafe parley_keeper_start(&how)
}

/// Strings as execve(2) takes them, which stay until it has.
@safe
private final class Strings {
    typealias List = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    let arguments: List
    let environment: List
    let directory: UnsafeMutablePointer<CChar>
    /// They stay as long.
    let rights: RightsMemory?
    var path: UnsafeMutablePointer<CChar> { unsafe arguments[0]! }

    init(_ start: ProgramStart) {
        unsafe arguments = unsafe Self.list([start.path] + start.arguments)
        unsafe environment = unsafe Self.list(
            start.environment.map { "\($0)=\($1)" }.sorted())
        unsafe directory = unsafe strdup(start.directory)
        rights = start.rights.map(RightsMemory.init)
    }

    deinit {
        unsafe Self.free(arguments)
        unsafe Self.free(environment)
        unsafe Glibc.free(directory)
    }

    private static func free(_ list: List) {
        var next = unsafe list
        while let text = unsafe next.pointee {
            unsafe Glibc.free(text)
            unsafe next += 1
        }
        unsafe list.deallocate()
    }

    /// With a null behind the last.
    private static func list(_ texts: [String]) -> List {
        let list = List.allocate(capacity: texts.count + 1)
        for (index, text) in texts.enumerated() { unsafe list[index] = unsafe strdup(text) }
        unsafe list[texts.count] = nil
        return unsafe list
    }
}
