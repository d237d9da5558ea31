// The process that ends commands without keepers if this one is killed.
// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
public import Sockets
internal import System

/// A small process of the same executable, which waits for the end of this one and then kills what is left in its commands'
/// control groups. Whatever they do, it costs no command anything. Confined to its loop.
///
/// While there is none, every command has a keeper.
public final class Warden: EventSource {
    /// The argument that starts this executable as a warden.
    public static let word = "warden"

    private let groups: CommandGroups
    private let told: (String) -> Void
    private var process: Process?
    private var reaper: Timer?

    private final class Process {
        let pid: Int32
        /// The end that this process writes.
        let pipe: Descriptor
        let since: Moment

        init(_ pid: Int32, _ pipe: consuming Descriptor, since: Moment) {
            self.pid = pid
            self.pipe = pipe
            self.since = since
        }
    }

    /// Starts it, where processes can be told apart (`Program.canBeWatched`).
    ///
    /// - Parameter told: called on the loop with a sentence for the log, if there is none or it had to be replaced.
    public init(_ groups: CommandGroups, loop: EventLoop, told: @escaping (String) -> Void) {
        self.groups = groups
        self.told = told
        super.init(loop: loop)
        // Programs are refused then.
        if Program.canBeWatched { start() }
    }

    deinit { forget() }

    private func start() {
        do throws(StreamError) {
            let process = try begin()
            try loop.add(self, descriptor: process.pipe.number, events: .hangingUp)
            self.process = process
            groups.isWarded = true
        } catch {
            told("there is no parley-warden, so every command has a keeper: \(error.sentence)")
        }
    }

    private func begin() throws(StreamError) -> Process {
        let pipe = try Pipe()
        let reader = pipe.takeReader()
        let writer = pipe.takeWriter()
        let nothing = Descriptor(owning: unsafe open("/dev/null", O_RDWR | O_CLOEXEC))
        guard nothing.number >= 0 else { throw StreamError("cannot open /dev/null", errno: errno) }
        let numbers = [nothing.number, nothing.number, nothing.number, reader.number]
        // As for the network process.
        let keepsEnvironment: Int32 = unsafe getenv("PARLEY_DUMPABLE") == nil ? 0 : 1
        let pid = unsafe parley_start_again(
            Self.word, keepsEnvironment, numbers, Int32(numbers.count))
        guard pid > 0 else { throw StreamError("cannot start it", started: Errno(-pid)) }
        let text = Array("\(getpid()) \(groups.path)".utf8) + [0]
        guard unsafe write(writer.number, text, text.count) == text.count else {
            throw StreamError("cannot tell it where the commands are", errno: errno)
        }
        unblock(writer)
        return Process(pid, writer, since: loop.now)
    }

    /// It has ended, which nothing but root can bring about.
    override public func ready(_ events: Events) {
        guard let process else { return }
        forget()
        // It has closed its descriptors, and ends a moment later.
        reaper = Timer(after: .milliseconds(100), on: loop) { waitpid(process.pid, nil, WNOHANG) }
        // So that one that can't run is not started for ever.
        guard loop.now - process.since > .seconds(1) else {
            return told(
                "parley-warden ended as soon as it was started, so every command has a keeper from now on"
            )
        }
        told(
            "parley-warden, which ends commands if parleyd is killed, was killed itself; there is another now"
        )
        start()
    }

    private func forget() {
        groups.isWarded = false
        guard let process else { return }
        loop.remove(descriptor: process.pipe.number)
        self.process = nil
    }

    /// Ends it, before this process ends, unless something is left for it to do. When no loop runs any more.
    public func end() {
        guard let process, GroupCustodian.areOver else { return }
        var over: UInt8 = Self.over
        unsafe write(process.pipe.number, &over, 1)
        var event = pollfd(fd: process.pipe.number, events: 0, revents: 0)
        // Its end of the pipe is closed.
        if unsafe poll(&event, 1, 1_000) > 0 { waitpid(process.pid, nil, 0) }
    }

    private static let over = UInt8(ascii: ".")
}

// MARK: The process itself

extension Warden {
    private static let pipe: Int32 = 3

    /// Whether this process was started as one: its descriptors are those of `begin`.
    public static var isAsked: Bool {
        var status = stat()
        return unsafe fstat(pipe, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
    }

    /// Waits for the end of the process that started this one, and ends what its commands have left.
    public static func run() -> Never {
        unsafe parley_take_name("parley-warden")
        var all = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, nil)
        guard let (parent, base) = orders() else { _exit(0) }
        // Until then it may have locks on them.
        while getppid() == parent { usleep(1_000) }
        sweep(base)
        _exit(0)
    }

    /// - Returns: nil if there is nothing to do.
    private static func orders() -> (parent: Int32, base: ControlGroup)? {
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = unsafe read(pipe, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            text += buffer.prefix(count)
            if let end = text.firstIndex(of: 0), text.last == over, end < text.count - 1 {
                return nil
            }
        }
        guard let end = text.firstIndex(of: 0) else { return nil }
        let words = String(decoding: text[..<end], as: UTF8.self).split(
            separator: " ", maxSplits: 1)
        guard words.count == 2, let parent = Int32(words[0]) else { return nil }
        return (parent, ControlGroup(String(words[1])))
    }

    /// Kills what is left until nothing is. What somebody holds is a keeper's or another parleyd's, except while a copy
    /// of this one's lock is about to be closed.
    private static func sweep(_ base: ControlGroup) {
        var pause: UInt32 = 1_000
        for round in 0..<60 {
            var isLeft = false
            let isHeld = CommandGroups.sweep(base) { group in
                if !CommandGroups.mayLiveOn(group) { isLeft = true }
            }
            guard isLeft || isHeld && round < 12 else { return }
            usleep(pause)
            pause = min(pause * 2, 1_000_000)
        }
    }
}
