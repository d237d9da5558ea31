// The process of a command's own that is the parent of all its processes, seen from here.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import Sockets
internal import Synchronization

/// Starts a program below a keeper (Sources/CLinux/Keeper.c), says what it reports, and hands wishes on to it.
/// Confined to its loop. When it is let go before the command is over, SIGKILL ends all of it.
@safe
final class Keeper: EventSource, @unchecked Sendable {
    /// The program's number.
    let program: Int32
    /// How the program itself ended.
    private(set) var end: ProgramEnd?
    /// Nothing of the command runs any more, or nobody can tell: the keeper was killed.
    private(set) var isOver = false
    /// How many processes were ended by a signal that was asked for.
    private(set) var signalled = 0

    private let descriptor: Descriptor
    private let pid: pid_t
    private let memory: UnsafeMutableRawPointer
    private let changed: () -> Void

    /// - Parameter changed: called on the loop when the program has ended, and when all has. The keeper
    ///   lives until then whatever it frees.
    /// - Throws: `descriptorsExhausted`; `system` where it can't be started.
    init(
        _ start: ProgramStart, input: borrowing Descriptor, output: borrowing Descriptor,
        errorOutput: borrowing Descriptor, loop: EventLoop, _ changed: @escaping () -> Void
    ) throws(StreamError) {
        let started = unsafe launch(start, input, output, errorOutput)
        let report = unsafe started.report
        guard report.failure == 0 else {
            throw StreamError(
                report.is_keepers != 0
                    ? "cannot start \(start.path): its processes cannot be watched over, for which /proc must be mounted"
                    : "cannot start \(start.path) in the directory \(start.directory)",
                errno: report.failure)
        }
        program = report.program
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
            if end == nil { end = .signal(UInt8(SIGKILL)) }
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
        unsafe Departure(pid, memory, loop: loop).await()
    }

    private func take(_ report: parley_report) {
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
        let limit = parley_nanoseconds() + 2_000_000_000
        for control in controls {
            var report = parley_report()
            while true {
                switch unsafe parley_keeper_read(control, &report) {
                case 1 where report.is_over == 0: continue
                case 0:
                    let left = limit - parley_nanoseconds()
                    guard left > 0 else { break }
                    var event = pollfd(fd: control, events: Int16(POLLIN), revents: 0)
                    unsafe poll(&event, 1, Int32(left / 1_000_000 + 1))
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
private final class Departure: @unchecked Sendable {
    private let pid: pid_t
    private let memory: UnsafeMutableRawPointer
    private let loop: EventLoop
    private var timer: Timer?
    private var pause = 0.000_5

    init(_ pid: pid_t, _ memory: UnsafeMutableRawPointer, loop: EventLoop) {
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
        pause = min(2 * pause, 1)
        timer = Timer(after: pause, on: loop) { self.await() }
    }
}

private func launch(
    _ start: ProgramStart, _ input: borrowing Descriptor, _ output: borrowing Descriptor,
    _ errorOutput: borrowing Descriptor
) -> parley_keeper {
    var how = unsafe parley_start()
    unsafe how.input = input.number
    unsafe how.output = output.number
    unsafe how.error_output = errorOutput.number
    unsafe how.umask = start.umask
    unsafe how.grace = Int(start.grace * 1e9)
    unsafe how.is_background = start.isBackground ? 1 : 0
    return unsafe withStrings([start.path] + start.arguments) { arguments in
        unsafe withStrings(start.environment.map { "\($0)=\($1)" }.sorted()) { environment in
            unsafe start.directory.withCString { directory in
                unsafe how.path = unsafe UnsafePointer(arguments[0])
                unsafe how.directory = directory
                unsafe how.arguments = UnsafePointer(arguments)
                unsafe how.environment = UnsafePointer(environment)
                return unsafe parley_keeper_start(&how)
            }
        }
    }
}

/// Lends strings as C has them, with a null behind the last.
private func withStrings<R>(
    _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> R
) -> R {
    var pointers: [UnsafeMutablePointer<CChar>?] = unsafe strings.map { unsafe strdup($0) }
    unsafe pointers.append(nil)
    defer { for index in unsafe pointers.indices { unsafe free(pointers[index]) } }
    return unsafe pointers.withUnsafeMutableBufferPointer { unsafe body($0.baseAddress!) }
}
