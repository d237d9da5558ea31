// A command's own process that is the parent of all its processes, as seen from here.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import Sockets
internal import Synchronization
internal import System

/// Starts a program under a keeper (Sources/CLinux/Keeper.c), reports what the keeper reports, and passes
/// requests on to it. Confined to its loop.
@safe
final class Keeper: EventSource, Custodian {
    private(set) var program: Int32?
    private(set) var failure: StreamError?
    private(set) var end: ProgramEnd?
    /// Also if the keeper was killed, and nobody can tell.
    private(set) var isOver = false
    private(set) var signalled = 0
    private(set) var reached: Set<Controller> = []

    private let descriptor: Descriptor
    private let pid: pid_t
    private let memory: UnsafeMutableRawPointer
    private let what: String
    private let groups: CommandGroups?
    /// Nil for none.
    private let group: ControlGroup?
    /// While its keeper is gone and its group is not empty.
    private var ruin: Timer?
    /// Nil once the program is running, or can't.
    private var strings: Strings?
    /// When it is over.
    private var hasGroup = false
    private let changed: () -> Void

    init(
        _ start: ProgramStart, in group: CommandGroup?, input: borrowing Descriptor,
        output: borrowing Descriptor, errorOutput: borrowing Descriptor, loop: EventLoop,
        _ changed: @escaping () -> Void
    ) throws(StreamError) {
        what = "cannot start \(start.path) in the directory \(start.directory)"
        groups = start.groups
        self.group = group?.group
        let strings = Strings(start, groupName: self.group?.name)
        let started = unsafe launch(start, strings, input, output, errorOutput, group) {
            unsafe parley_keeper_start($0)
        }
        guard unsafe started.failure == 0 else {
            self.group.map { _ = CommandGroups.raze($0) }
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

    func abandon() {
        guard !isOver else { return }
        tell(PARLEY_KILL)
        // Its keeper removes it, unless the keeper is gone.
        hasGroup = ruin != nil
        // Whoever ends this process waits until nothing of it is running.
        depart(leaving: Descriptor(duplicating: descriptor.number))
    }

    func terminate() { tell(PARLEY_TERMINATE) }
    func kill() { tell(PARLEY_KILL) }
    func leaveRunning() { tell(PARLEY_LET_GO) }

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
            return raze(after: .milliseconds(1))
        }
        if isOver { depart() }
        if hasNews { withExtendedLifetime(self) { changed() } }
    }

    /// Its keeper is gone. Whatever is in its group is killed, and then it is over.
    private func raze(after pause: Duration) {
        guard group.map(CommandGroups.raze) ?? true else {
            ruin = Timer(after: pause, on: loop) { [unowned self] in
                raze(after: min(pause * 2, .seconds(1)))
            }
            return
        }
        isOver = true
        depart()
        withExtendedLifetime(self) {
            ruin = nil
            changed()
        }
    }

    private func depart(leaving copy: consuming Descriptor = Descriptor(owning: -1)) {
        if hasGroup, let group { groups?.leave(group) }
        let control = descriptor.number
        running.withLock { _ = $0.remove(control) }
        loop.remove(descriptor: control)
        unsafe Departure(pid, memory, strings, copy, loop: loop).await()
    }

    private func take(_ report: parley_report) {
        strings = nil
        hasGroup = report.has_group != 0
        guard report.failure == 0 else {
            failure = StreamError(what, report)
            isOver = true
            return
        }
        program = report.program
        if report.has_ended != 0, end == nil {
            let number = UInt8(truncatingIfNeeded: report.status)
            end = report.code == CLD_EXITED ? .status(number) : .signal(number)
        }
        signalled = Int(report.signalled)
        if report.reached & Int32(PARLEY_OVER_MEMORY) != 0 { reached.insert(.memory) }
        if report.reached & Int32(PARLEY_OVER_PROCESSES) != 0 { reached.insert(.pids) }
        if report.is_over != 0 { isOver = true }
    }

    /// Kills everything that was started, before this process ends: when no loop runs any more.
    static func killAll() {
        for control in running.withLock({ $0 }) { parley_keeper_tell(control, CChar(PARLEY_KILL)) }
    }

    /// Waits until nothing is left, or until `limit`: what can't be killed is left to its keeper, which keeps trying.
    static func awaitAll(until limit: Moment) {
        for control in running.withLock({ $0 }) {
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

/// How long a keeper that ends may take until its zombie and its memory are gone.
@safe
private final class Departure {
    private let pid: pid_t
    private let memory: UnsafeMutableRawPointer
    /// Which it may still read, if it had not reached the program's start.
    private let strings: Strings?
    /// The descriptor of one that was released before it was over; below zero for none.
    private let control: Descriptor
    private let loop: EventLoop
    private var timer: Timer?
    private var pause = Duration.microseconds(500)

    init(
        _ pid: pid_t, _ memory: UnsafeMutableRawPointer, _ strings: Strings?,
        _ control: consuming Descriptor, loop: EventLoop
    ) {
        self.strings = strings
        let number = control.number
        self.control = control
        if number >= 0 { running.withLock { _ = $0.insert(number) } }
        self.pid = pid
        unsafe self.memory = unsafe memory
        self.loop = loop
    }

    /// It reports that everything is over a moment before it ends, and may have something to kill
    /// before that.
    func await() {
        guard unsafe parley_keeper_reap(pid, memory) == 0 else {
            timer = nil
            let number = control.number
            if number >= 0 { running.withLock { _ = $0.remove(number) } }
            return
        }
        pause = min(pause * 2, .seconds(1))
        timer = Timer(after: pause, on: loop) { self.await() }
    }
}
