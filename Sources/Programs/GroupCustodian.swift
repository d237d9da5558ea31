// A command that only its control group holds.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import Sockets
internal import Synchronization
internal import System

/// Starts a program as a child of this process, in a group that nothing of it can leave. The group is empty
/// if and only if nothing of the command is left. Confined to its loop.
@safe
final class GroupCustodian: EventSource, Custodian {
    private(set) var end: ProgramEnd?
    private(set) var isOver = false
    private(set) var signalled = 0
    private(set) var reached: Set<Controller> = []

    private let pid: Int32
    private let groups: CommandGroups
    private let group: CommandGroup
    /// Nil once it has ended.
    private var descriptor: Descriptor?
    private var stage: Stage
    private let what: String
    /// Only for a program that takes input: who has it wants to know when it runs.
    private var exec: PipeWatch?
    /// Only if the program leaves something behind.
    private var rest: GroupWatch?
    /// Whether a thread is sending SIGTERM.
    private var isSignalling = false
    private var isKilled = false
    private var again: Timer?
    private var changed: () -> Void
    /// Itself, while it is abandoned and not over.
    private var abandoned: GroupCustodian?

    /// How far its start has come.
    private enum Stage {
        /// It may still be in this process's memory.
        case starting(BareMemory)
        case started
        case failed(StreamError)
    }

    /// Nil if the kernel, or a filter of system calls, refuses this way of starting it: it takes a keeper.
    init?(
        _ start: ProgramStart, in group: CommandGroup, of groups: CommandGroups,
        input: borrowing Descriptor, output: borrowing Descriptor,
        errorOutput: borrowing Descriptor, loop: EventLoop,
        _ changed: @escaping () -> Void
    ) throws(StreamError) {
        what = "cannot start \(start.path) in the directory \(start.directory)"
        self.groups = groups
        self.group = group
        self.changed = changed
        let strings = Strings(start, groupName: nil)
        let started = unsafe Children.start {
            unsafe launch(start, strings, input, output, errorOutput, group) {
                unsafe parley_bare_start($0)
            }
        }
        let failure = unsafe started.failure
        pid = unsafe started.program
        guard failure == 0 else {
            if failure == ENOSYS || failure == EPERM { return nil }
            _ = CommandGroups.raze(group.group)
            throw StreamError(what, errno: failure)
        }
        descriptor = Descriptor(owning: unsafe started.pidfd)
        stage = unsafe .starting(BareMemory(started.memory, strings))
        let end = Descriptor(owning: unsafe started.exec)
        super.init(loop: loop)
        running.withLock { $0[pid] = group.group }
        do throws(StreamError) {
            try loop.add(self, descriptor: unsafe started.pidfd, events: .reading)
        } catch {
            abandon()
            throw error
        }
        guard end.number >= 0 else { return }
        let exec = PipeWatch(PipeEnd(end), loop: loop) { [unowned self] in execHasEnded() }
        self.exec = exec
        do throws(StreamError) {
            try exec.watch()
        } catch {
            abandon()
            throw error
        }
    }

    // MARK: Its start

    var program: Int32? {
        look()
        if case .started = stage { return pid }
        return nil
    }

    var failure: StreamError? {
        if isOver, case .failed(let failure) = stage { return failure }
        return nil
    }

    /// Finds out whether it has left this process's memory.
    private func look() {
        guard case .starting(let memory) = stage, memory.hasLeft else { return }
        stage = memory.failure(what).map { .failed($0) } ?? .started
    }

    private func execHasEnded() {
        // If it has failed, the process's end is to come.
        if program != nil { changed() }
    }

    // MARK: Its end

    func terminate() {
        guard !isOver, !isSignalling else { return }
        let (folder, name) = (group.folder.number, String(group.group.name))
        let signal = { @Sendable in Int(unsafe parley_group_terminate(folder, name)) }
        isSignalling = true
        do throws(StreamError) {
            // There may be any number of processes, and more all the time.
            try loop.beside(signal) { [self] in haveSignalled($0) }
        } catch {
            haveSignalled(signal())
        }
    }

    private func haveSignalled(_ count: Int) {
        isSignalling = false
        signalled += count
        conclude()
    }

    func kill() { kill(after: .milliseconds(10)) }

    /// Until none is left: there may have been no descriptor for it, or somebody may put others into the group.
    private func kill(after pause: Duration) {
        guard !isOver else { return }
        parley_group_kill(group.folder.number)
        isKilled = true
        again = Timer(after: pause, on: loop) { [unowned self] in
            // Nobody else may hold it when it is over.
            let custodian = self
            custodian.conclude()
            custodian.kill(after: min(pause * 2, .seconds(1)))
        }
    }

    func leaveRunning() { preconditionFailure("a command that may leave something has a keeper") }

    func abandon() {
        guard !isOver else { return }
        changed = {}
        abandoned = self
        kill()
    }

    override func ready(_ events: Events) { conclude() }

    /// The program may have ended, or what it left behind.
    private func conclude() {
        guard !isOver else { return }
        let hasEnded = reap()
        var isConcluded = finish()
        if hasEnded, !isConcluded {
            rest = GroupWatch(group.group, loop: loop) { [unowned self] in conclude() }
            // It may have come to its end before it was watched.
            isConcluded = finish()
        }
        if hasEnded || isConcluded { withExtendedLifetime(self) { changed() } }
    }

    /// - Returns: whether the program has ended just now.
    private func reap() -> Bool {
        guard let number = descriptor?.number, let end = Children.reap(pid) else { return false }
        loop.remove(descriptor: number)
        descriptor = nil
        exec = nil
        look()
        if case .started = stage { self.end = end }
        return true
    }

    /// - Returns: false if something is left.
    private func finish() -> Bool {
        guard descriptor == nil, !isSignalling else { return false }
        if group.limits.processes != nil,
            parley_group_reached(group.folder.number, Int32(PARLEY_OVER_PROCESSES)) != 0
        {
            reached = [.pids]
        }
        guard groups.takeBack(group, isKilled: isKilled) else { return false }
        isOver = true
        Children.forget(pid)
        let pid = pid
        running.withLock { _ = $0.removeValue(forKey: pid) }
        rest = nil
        again = nil
        abandoned = nil
        return true
    }
}

/// Learns when nothing may be left in a control group. Confined to its loop.
private final class GroupWatch: EventSource {
    private let file: Descriptor
    private let changed: () -> Void

    /// - Parameter changed: called on the loop, more often than needed.
    init(_ group: ControlGroup, loop: EventLoop, _ changed: @escaping () -> Void) {
        self.changed = changed
        file = group.events()
        super.init(loop: loop)
        guard file.number >= 0 else {
            expired()
            return
        }
        do throws(StreamError) {
            try loop.add(self, descriptor: file.number, events: .changing)
        } catch {
            expired()
        }
    }

    deinit { if file.number >= 0 { loop.remove(descriptor: file.number) } }

    override func ready(_ events: Events) { changed() }

    /// Where the system can't watch it.
    override func expired() {
        setDue(loop.now + .milliseconds(100))
        changed()
    }
}

// MARK: All of them

/// By the programs' process IDs.
private let running = Mutex<[Int32: ControlGroup]>([:])

extension GroupCustodian {
    /// Whether nothing is left of any.
    static var areOver: Bool { running.withLock { $0.isEmpty } }

    /// Sends SIGKILL to everything, before this process ends: when no loop runs any more.
    static func killAll() {
        for group in running.withLock({ $0.values }) { try? group.kill() }
    }

    /// Waits until nothing is left, or until `limit`.
    static func awaitAll(until limit: Moment) {
        while true {
            let left = running.withLock { running in
                running = running.filter { pid, group in
                    _ = Children.reap(pid)
                    return !CommandGroups.raze(group)
                }
                return !running.isEmpty
            }
            guard left, Moment.now < limit else { return }
            usleep(1_000)
        }
    }
}
